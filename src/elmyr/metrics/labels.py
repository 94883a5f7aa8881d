"""How often labels are right, and how sure a share of successes is."""

from math import sqrt
from numbers import Integral
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, rel_entr

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import flags, plain, whole
from elmyr.metrics.design import DRAWN, Design
from elmyr.metrics.jackknife import Estimate, beside, groups_of, jackknife, means_without


def accuracy(predicted: Any, expected: Any) -> float:
    """The share, in [0, 1], of labels `(N,)` that are the expected ones `(N,)`.

    Raises InputError where the shapes differ, there is no label or one that is not finite.
    """
    ours, theirs = _labels_of(predicted, expected)
    return float((ours == theirs).mean())


def balanced_accuracy(predicted: Any, expected: Any) -> float:
    """The mean over the classes in `expected` of the share of their labels that are predicted, in [0, 1].

    Raises InputError as `accuracy`.
    """
    ours, theirs = _labels_of(predicted, expected)
    _, which, counts = np.unique(theirs, return_inverse=True, return_counts=True)
    return float((np.bincount(which, weights=ours == theirs) / counts).mean())


def balanced_weights(expected: Any) -> NDArray[np.float64]:
    """What each label `(N,)` counts in the balanced accuracy, which is the sum of these where it is predicted.

    float64 (N,), the same for labels of a class, together 1. Raises InputError where there is none.
    """
    _, theirs = _labels_of(expected, expected)
    _, which, counts = np.unique(theirs, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(counts) * counts[which]))


def macro_f1(predicted: Any, expected: Any) -> float:
    """The mean over all classes of the harmonic mean of precision and recall, in [0, 1].

    A class that is predicted and never expected counts, with 0. Raises InputError as `accuracy`.
    """
    ours, theirs = _labels_of(predicted, expected)
    classes, which = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    a, b = np.split(which, 2)
    right = np.bincount(a[a == b], minlength=len(classes))
    return float((2 * right / np.bincount(which)).mean())


def wilson_interval(successes: float, count: float, level: float = 0.95) -> tuple[float, float]:
    """The interval (low, high) for the chance of success behind `successes` of `count` trials, in [0, 1].

    Holds its level for small counts and shares near 0 or 1, where the usual mean ± error does not. Counts may be
    fractions, as of trials that weigh differently. Raises InputError unless 0 <= successes <= count, count >= 1 and
    0 < level < 1. Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    if not count >= 1 or not 0 <= successes <= count < np.inf:
        raise InputError(f"{successes} successes of {count} trials: give 0 <= successes <= count, count >= 1")
    if not 0 < level < 1:
        raise InputError(f"the level is {level}: give a share between 0 and 1, as 0.95")
    z = float(ndtri((1 + level) / 2))
    share, weight = successes / count, z * z / count
    center = (share + weight / 2) / (1 + weight)
    half = z * sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == count else center + half
    return low, high


def share_right(right: Any, *, of: Literal["real", "generated"], labels: NDArray[np.int64] | None = None) -> Estimate:
    """The share of images `(N,)` bool classified correctly, in [0, 1], with Wilson's interval, which holds near 1 too.

    of: which images these are; labels `(N,)`: by which they are dealt into groups. Raises InputError for no image, and
    for what is neither right nor wrong.
    """
    hits = flags(right, "answers")
    ends = wilson_interval(int(hits.sum()), len(hits))
    without = (means_without(hits, labels),)
    sides = (without, ()) if of == "real" else ((), without)
    return Estimate(float(hits.mean()), *ends, *sides)


def class_divergence(real: Any, generated: Any, classes: int, *, design: Design = DRAWN) -> Estimate:
    """The Jensen–Shannon divergence of two class histograms in bits: 0 where they agree, 1 where they share no class.

    real and generated: labels int `(N,)` and `(M,)` in [0, classes). Biased upwards by about (classes − 1) / N where
    samples are few. design: whether labels were fixed. Raises InputError for no label or one outside the classes.
    Source: Lin 1991.
    """
    counts_a = _histograms(real, classes, design.real)
    counts_b = _histograms(generated, classes, design.generated)
    value = _divergence(counts_a.sum(axis=0), counts_b.sum(axis=0))
    without_a = [_divergence(counts_a.sum(axis=0) - group, counts_b.sum(axis=0)) for group in counts_a]
    without_b = [_divergence(counts_a.sum(axis=0), counts_b.sum(axis=0) - group) for group in counts_b]
    shown_beside = beside(whole(real, "labels"), design.real)
    return jackknife(value, real=[without_a], generated=[without_b], low=0.0, high=1.0, beside=shown_beside)


def _histograms(labels: Any, classes: int, fixed: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """How often each class stands in each group: (G, classes)."""
    if not isinstance(classes, Integral):
        raise InputError(f"there are {classes} classes: give a whole number")
    numbers = whole(labels, "labels")
    if numbers.ndim != 1 or len(numbers) < 2 or numbers.min() < 0 or numbers.max() >= classes:
        raise InputError(f"there must be two or more labels from 0 to {classes - 1}: name the classes anew")
    groups = groups_of(len(numbers), fixed)
    counts: NDArray[np.float64] = np.zeros((groups.max() + 1, classes))
    np.add.at(counts, (groups, numbers), 1)
    return counts


def _divergence(counts_a: NDArray[np.float64], counts_b: NDArray[np.float64]) -> float:
    a, b = counts_a / counts_a.sum(), counts_b / counts_b.sum()
    return float((rel_entr(a, (a + b) / 2).sum() + rel_entr(b, (a + b) / 2).sum()) / (2 * np.log(2)))


def _labels_of(predicted: Any, expected: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as arrays of the same labels, numbers or names; InputError where they cannot be compared."""
    ours, theirs = (_names_of(labels) for labels in (predicted, expected))
    if ours.ndim != 1 or ours.shape != theirs.shape:
        raise InputError(
            f"predicted labels have the shape {ours.shape}, expected ones {theirs.shape}: give one per image"
        )
    if not len(ours):
        raise InputError("there are no labels to compare: give at least one")
    if (ours.dtype.kind == "U") != (theirs.dtype.kind == "U"):
        raise InputError(
            f"predicted labels are {ours.dtype}, expected ones {theirs.dtype}: give numbers twice, or names twice"
        )
    return ours, theirs


def _names_of(labels: Any) -> NDArray[Any]:
    array = labels if isinstance(labels, np.ndarray) or not hasattr(labels, "detach") else plain(labels, "labels")
    try:
        array = np.asarray(array)
    except ValueError:
        raise InputError("the labels have no one shape: give one per image") from None
    if array.dtype.kind == "O" and all(isinstance(each, str) for each in array.ravel()):
        array = array.astype(str)
    if array.dtype.kind not in "biufU":
        raise InputError(f"the labels are of the type {array.dtype}: give numbers or names, a label for each image")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError("the labels hold NaN or infinity: give each image a label")
    return array
