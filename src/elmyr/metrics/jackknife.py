"""How sure a figure of two samples is: the delete-a-group jackknife.

A bootstrap is biased for figures of nearest neighbors (a copy of a row is its own neighbor) and for the Fréchet
distance (fewer distinct rows, a larger distance); leaving a group out is not. Source: Shao & Tu 1995, "The Jackknife
and Bootstrap".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from elmyr.core.errors import InputError

GROUPS = 20
LEVEL = 0.95

LeftOut = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure with its 95 % interval for what it would be on average over samples of the same counts.

    without_real, without_generated: what it is with each group of such a sample left out, an array `(G,)` for each
    independent sample on that side (none where the figure does not look at it).
    """

    value: float
    low: float
    high: float
    without_real: LeftOut = ()
    without_generated: LeftOut = ()

    @property
    def interval(self) -> tuple[float, float, float]:
        """The value and both ends."""
        return self.value, self.low, self.high


def groups_of(count: int) -> NDArray[np.int64]:
    """The group of each of `count` rows, int64 (count,): up to 20 groups of equal size, as rows come in turn."""
    return np.arange(count) % min(GROUPS, count)


def jackknife(
    value: float,
    *,
    real: Sequence[ArrayLike] = (),
    generated: Sequence[ArrayLike] = (),
    low: float = -np.inf,
    high: float = np.inf,
) -> Estimate:
    """The estimate of a figure from its values with each group of a sample left out: an array `(G,)` a sample.

    The variances that the independent samples bring are added. The interval is a t interval with G − 1 degrees of
    freedom of the smallest number of groups, cut off at `low` and `high`, between which the figure must lie.
    """
    without_real, without_generated = (tuple(np.asarray(one, np.float64) for one in side) for side in (real, generated))
    half = _half_width([*without_real, *without_generated])
    return Estimate(value, max(low, value - half), min(high, value + half), without_real, without_generated)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a − b of one figure of two generated samples beside the same real one, whose share in their chance cancels.

    Raises InputError where the real samples were not the same.
    """
    if [len(one) for one in a.without_real] != [len(one) for one in b.without_real]:
        raise InputError("the figures were taken beside different real images: take both beside the same")
    shared = [one - other for one, other in zip(a.without_real, b.without_real, strict=True)]
    return jackknife(
        a.value - b.value,
        real=shared,
        generated=[*a.without_generated, *(-other for other in b.without_generated)],
    )


def means_without(values: ArrayLike) -> NDArray[np.float64]:
    """The mean of some values `(N,)` with each group left out: `(G,)`."""
    rows = np.asarray(values, dtype=np.float64)
    groups = groups_of(len(rows))
    counts, sums = np.bincount(groups), np.bincount(groups, weights=rows)
    return np.asarray((sums.sum() - sums) / (counts.sum() - counts))


def _half_width(samples: Sequence[NDArray[np.float64]]) -> float:
    variance = sum((len(one) - 1) / len(one) * float(((one - one.mean()) ** 2).sum()) for one in samples)
    fewest = min(len(one) for one in samples)
    return float(stdtrit(fewest - 1, (1 + LEVEL) / 2)) * sqrt(variance)
