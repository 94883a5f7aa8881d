"""How labels go wrong: which class is the true one, learned from labels that are wrong in part.

An image's true class has the probabilities that a recognizer gives it which has not seen its label, made sharper or
flatter by an exponent; the given label is drawn by the true class alone. The exponent and the chances of each label, by
class, are those that make the given labels most likely (expectation maximization, after Dawid and Skene 1979): no true
label is needed. A recognizer that learned from wrong labels is unsure by their share; the exponent puts that right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

ROUNDS = 30
ENOUGH = 1e-5  # of the surprise an image: what a round must gain at least
FLATTEST, SHARPEST = 0.1, 20.0  # exponents
RIGHT = 0.9  # share of right labels to begin with
PRIOR = 1.0  # labels a class, spread over all classes, that are added to those seen
LEAST = 1e-12  # probability


def true_class_probabilities(read: NDArray[np.float64], given: NDArray[np.int64]) -> NDArray[np.float64]:
    """How likely each class is the true one of each image, float64 (N, K), by what is read in it and its given label.

    read: probabilities float64 (N, K) that know nothing of the given labels int64 (N,).
    """
    count, classes = read.shape
    logs = np.log(np.maximum(read, LEAST))
    mislabeling = np.full((classes, classes), (1 - RIGHT) / max(classes - 1, 1))  # [true class, given label]
    np.fill_diagonal(mislabeling, RIGHT)
    exponent, before = 1.0, np.inf
    for _ in range(ROUNDS):
        likely = _posterior(logs, mislabeling, given, exponent)[0]
        seen = np.full((classes, classes), PRIOR / classes)
        np.add.at(seen.T, given, likely)
        mislabeling = seen / seen.sum(1, keepdims=True)
        exponent, surprise = _best_exponent(logs, mislabeling, given)
        if before - surprise < ENOUGH * count:
            break
        before = surprise
    return _posterior(logs, mislabeling, given, exponent)[0]


def _best_exponent(
    logs: NDArray[np.float64], mislabeling: NDArray[np.float64], given: NDArray[np.int64]
) -> tuple[float, float]:
    """The exponent, and how surprising the given labels are with it."""
    found = minimize_scalar(
        lambda power: _posterior(logs, mislabeling, given, np.exp(power))[1],
        bounds=(np.log(FLATTEST), np.log(SHARPEST)),
        method="bounded",
    )
    return float(np.exp(found.x)), float(found.fun)


def _posterior(
    logs: NDArray[np.float64], mislabeling: NDArray[np.float64], given: NDArray[np.int64], exponent: float
) -> tuple[NDArray[np.float64], float]:
    """The probabilities (N, K) of the true class, and how surprising the given labels are."""
    joint = np.exp(log_softmax(exponent * logs, axis=1)) * mislabeling[:, given].T
    together = np.maximum(joint.sum(1, keepdims=True), np.finfo(np.float64).tiny)
    return joint / together, float(-np.log(together).sum())
