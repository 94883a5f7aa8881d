"""Images that stand apart from the others of their set: outliers and blurred ones, by robust deviations of a logarithm.

Both are told where an image lies farther from the median than images of one kind do, so that of clean sets hardly any
is. Outliers differ in how their pixels vary together (a photo, noise or an inverted image among digits), not in what
they show.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elmyr.images.oddities.traces import SIDE

FEWEST = 200  # images, below which nothing is told
FAR = 5.2  # deviations above the median at which an image is an outlier
SOFT = 5.5  # deviations below the median at which an image is blurred
SHRINKAGE = 0.3  # of the covariance, in mean variances
TRUSTED = 0.95  # of the images, those nearest to the middle, that the covariance is taken of: outliers would widen it
ROUNDS = 3
QUARTILE = 0.6745  # of the normal distribution

Places = NDArray[np.int64]


def outliers(means: NDArray[np.float16]) -> Places:
    """The places of images whose means `(N, D)` are no others', the farthest first: by Mahalanobis' distance."""
    if len(means) < FEWEST:
        return np.empty(0, np.int64)
    rows = _coarser(means)
    distances = ((rows - np.median(rows, axis=0)) ** 2).sum(axis=1)
    for _ in range(ROUNDS):
        trusted = rows[distances <= np.quantile(distances, TRUSTED)]
        variances, directions = np.linalg.eigh(np.cov(trusted.T))
        ridge = SHRINKAGE * float(variances.mean())
        if ridge <= 0:
            return np.empty(0, np.int64)
        squared = ((rows - trusted.mean(axis=0)) @ directions) ** 2
        distances = (squared / (np.clip(variances, 0, None) + ridge)).sum(axis=1)
    return _beyond(np.log(np.maximum(distances, 1e-12)), FAR)


def blurred(fineness: NDArray[np.float64]) -> Places:
    """The places of images whose edges are far softer than the others', the softest first; NaN is passed over."""
    known = np.flatnonzero(fineness > 0)
    if len(known) < FEWEST:
        return np.empty(0, np.int64)
    return np.asarray(known[_beyond(-np.log(fineness[known]), SOFT)], np.int64)


def _coarser(means: NDArray[np.float16]) -> NDArray[np.float64]:
    """Means over squares of twice the side, in [0, 1]: fewer columns than images."""
    squares = means.astype(np.float64).reshape(len(means), -1, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(3, 5))
    return np.asarray(squares.reshape(len(means), -1) / 255)


def _beyond(values: NDArray[np.float64], deviations: float) -> Places:
    """The places of values so many robust deviations above the median, the largest first."""
    median, quartile = np.percentile(values, [50, 75])
    scale = (quartile - median) / QUARTILE
    if scale <= 0:
        return np.empty(0, np.int64)
    order = np.argsort(-values, kind="stable")
    return np.asarray(order[: int((values > median + deviations * scale).sum())], np.int64)
