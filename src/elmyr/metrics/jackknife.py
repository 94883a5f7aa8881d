"""How sure a figure of two samples is: the delete-a-group jackknife.

A bootstrap is biased for figures of nearest neighbors (a copy of a row is its own neighbor) and for the Fréchet
distance (fewer distinct rows, a larger distance); leaving a group out is not. Source: Shao & Tu 1995, "The Jackknife
and Bootstrap".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import numbers

GROUPS = 20
LEVEL = 0.95

LeftOut = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure with its 95 % interval for what it would be on average over samples of the same counts.

    without_real, without_generated: what it is with each group of such a sample left out, an array `(G,)` for each
    independent sample on that side (none where the figure does not look at it). beside: a digest of the real rows, ""
    where nobody gave one.
    """

    value: float
    low: float
    high: float
    without_real: LeftOut = ()
    without_generated: LeftOut = ()
    beside: str = ""

    @property
    def interval(self) -> tuple[float, float, float]:
        """The value and both ends."""
        return self.value, self.low, self.high


def groups_of(count: int) -> NDArray[np.int64]:
    """The group of each of `count` rows, int64 (count,): up to 20 groups of equal size, as rows come in turn."""
    if count < 1:
        raise InputError(f"{count} rows make no groups: give 1 or more")
    return np.arange(count) % min(GROUPS, count)


def jackknife(
    value: float,
    *,
    real: Sequence[ArrayLike] = (),
    generated: Sequence[ArrayLike] = (),
    low: float = -inf,
    high: float = inf,
    beside: str = "",
) -> Estimate:
    """The estimate of a figure from its values with each group of a sample left out: an array `(G,)` a sample.

    The variances that the independent samples bring are added. The interval is a t interval with G − 1 degrees of
    freedom of the smallest number of groups, cut off at `low` and `high`, between which the figure must lie; as wide as
    that where a sample has a single group. Raises InputError where there is no such array or a value is NaN.
    """
    without_real, without_generated = (tuple(np.asarray(one, np.float64) for one in side) for side in (real, generated))
    samples = [*without_real, *without_generated]
    if not samples or any(one.ndim != 1 or not len(one) or np.isnan(one).any() for one in samples) or isnan(value):
        raise InputError("a jackknife takes a number and its values with each group left out, an array for each sample")
    half = _half_width(samples)
    return Estimate(value, max(low, value - half), min(high, value + half), without_real, without_generated, beside)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a − b of one figure of two generated samples beside the same real one, whose share in their chance cancels.

    Raises InputError where the real samples were not the same.
    """
    counts = [[len(one) for one in estimate.without_real] for estimate in (a, b)]
    if counts[0] != counts[1] or (a.beside and b.beside and a.beside != b.beside):
        raise InputError("the figures were taken beside different real images: take both beside the same")
    shared = [one - other for one, other in zip(a.without_real, b.without_real, strict=True)]
    return jackknife(
        a.value - b.value,
        real=shared,
        generated=[*a.without_generated, *(-other for other in b.without_generated)],
        beside=a.beside,
    )


def digest_of(*arrays: NDArray[Any]) -> str:
    """What tells these arrays from others: for `Estimate.beside`."""
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def means_without(values: ArrayLike) -> NDArray[np.float64]:
    """The mean of some values `(N,)` with each group left out: `(G,)`; of a single value that value."""
    rows = numbers(values, "values")
    if rows.ndim != 1 or not len(rows):
        raise InputError(f"the values have the shape {rows.shape}: give one or more, (N,)")
    if len(rows) == 1:
        return rows.copy()
    groups = groups_of(len(rows))
    counts, sums = np.bincount(groups), np.bincount(groups, weights=rows)
    return np.asarray((sums.sum() - sums) / (counts.sum() - counts))


def _half_width(samples: Sequence[NDArray[np.float64]]) -> float:
    """In units of a power of two, as the squares of huge and tiny deviations leave float64."""
    fewest = min(len(one) for one in samples)
    if fewest < 2:
        return inf
    apart = [one - one.mean() for one in samples]
    unit = int(np.frexp(max(np.abs(one).max() for one in apart))[1])
    variance = sum((len(one) - 1) / len(one) * float((np.ldexp(one, -unit) ** 2).sum()) for one in apart)
    return float(stdtrit(fewest - 1, (1 + LEVEL) / 2)) * float(np.ldexp(np.sqrt(variance), unit))
