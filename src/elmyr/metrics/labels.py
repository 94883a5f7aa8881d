"""How often labels are right, and how sure a share of successes is."""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from elmyr.errors import InputError


def accuracy(predicted: ArrayLike, expected: ArrayLike) -> float:
    """The share, in [0, 1], of labels `(N,)` that are the expected ones `(N,)`.

    Raises InputError where the shapes differ or there is no label.
    """
    ours, theirs = np.asarray(predicted), np.asarray(expected)
    if ours.ndim != 1 or ours.shape != theirs.shape:
        raise InputError(
            f"predicted labels have the shape {ours.shape}, expected ones {theirs.shape}: give one an image"
        )
    if not len(ours):
        raise InputError("there are no labels to compare: give at least one")
    return float((ours == theirs).mean())


def wilson_interval(successes: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """The interval (low, high) for the chance of success behind `successes` of `count` trials, in [0, 1].

    Holds its level for small counts and shares near 0 or 1, where the usual mean ± error does not. Raises
    InputError unless 0 <= successes <= count, count >= 1 and 0 < level < 1. Source: Wilson 1927, "Probable
    Inference, the Law of Succession, and Statistical Inference".
    """
    if count < 1 or not 0 <= successes <= count:
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
