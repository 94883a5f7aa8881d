"""The Inception Score: are single images clear, and all of them together varied?

Salimans et al. 2016, "Improved Techniques for Training GANs".
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife

ROUNDING = 1e-6


def inception_score(probabilities: ArrayLike) -> Estimate:
    """exp of the mean of KL(p(y|x) ‖ p(y)), from class probabilities `(N, K)`: 1 (worst) to K.

    One split over the full set. A classifier of the images' own classes takes the place of Inception, so it compares
    only within one classifier. Raises InputError for fewer than 2 rows, or rows that are no probabilities.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 2:
        raise InputError(f"the probabilities have the shape {rows.shape}: give two rows or more, (N, K)")
    if not (np.isfinite(rows).all() and (rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=ROUNDING)):
        raise InputError("the probabilities of an image are at least 0 and sum to 1: give a softmax's output")
    groups = groups_of(len(rows))
    member = np.eye(groups.max() + 1)[groups].T
    sums, entropies, counts = member @ rows, member @ _negative_entropy(rows), member.sum(axis=1)
    value = _score(sums.sum(axis=0), entropies.sum(), counts.sum())
    left_out = [
        _score(np.delete(sums, g, 0).sum(axis=0), np.delete(entropies, g).sum(), np.delete(counts, g).sum())
        for g in range(len(counts))
    ]
    return jackknife(value, generated=[left_out], low=1.0, high=float(rows.shape[1]))


def _score(probabilities: NDArray[np.float64], negative_entropy: float, count: float) -> float:
    """From sums over `count` images. mean KL = H(mean p) − mean H(p)."""
    return float(np.exp(negative_entropy / count - _negative_entropy(probabilities / count)))


def _negative_entropy(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ p log p over the last axis, 0 log 0 being 0."""
    return np.asarray((rows * np.log(np.where(rows > 0, rows, 1.0))).sum(axis=-1))
