"""How sure a figure of two samples is: the delete-a-group jackknife.

A bootstrap is biased for figures of nearest neighbors (a copy of a row is its own neighbor) and for the Fréchet
distance (fewer distinct rows, a larger distance); leaving a group out is not. Source: Shao & Tu 1995, "The Jackknife
and Bootstrap".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import hypot, inf, isfinite, sqrt
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import numbers
from elmyr.metrics.features import row_labels
from elmyr.metrics.intervals import Term, half_width_of

GROUPS = 20

LeftOut = tuple[NDArray[np.float64], ...]
Beside = tuple[str, str]


class OfPairs(NamedTuple):
    """The standard deviation that pairs of rows bring to a figure: all of them, and those with a generated row."""

    every: float = 0.0
    with_generated: float = 0.0

    @classmethod
    def of_sum(cls, parts: Sequence["OfPairs"]) -> "OfPairs":
        """Of the sum of independent figures."""
        return cls(hypot(*(part.every for part in parts)), hypot(*(part.with_generated for part in parts)))


NO_PAIRS = OfPairs()


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure with its 95 % interval for what it would be on average over samples of the same counts.

    without_real, without_generated: what it is with each group of such a sample left out, an array `(G,)` for each
    independent sample on that side (none where the figure does not look at it). beside: digests of the real rows and of
    the labels by which they are dealt into groups, "" where nobody gave them. of_pairs: what pairs of rows bring.
    deviation: the standard deviation of the parts that it is the mean of, None where it is taken of all at once.
    """

    value: float
    low: float
    high: float
    without_real: LeftOut = ()
    without_generated: LeftOut = ()
    beside: Beside = ("", "")
    of_pairs: OfPairs = NO_PAIRS
    deviation: float | None = None

    @property
    def interval(self) -> tuple[float, float, float]:
        """The value and both ends."""
        return self.value, self.low, self.high


def moved(
    estimate: Estimate, value: float, *, deviation: float | None = None, low: float = -inf, high: float = inf
) -> Estimate:
    """The same figure taken otherwise: with another value, and an interval as wide, cut off at `low` and `high`.

    deviation: the standard deviation of the parts that the value is the mean of.
    """
    shift = value - estimate.value
    sides = estimate.without_real, estimate.without_generated
    without_real, without_generated = (tuple(one + shift for one in side) for side in sides)
    return replace(
        estimate,
        value=value,
        low=max(low, estimate.low + shift),
        high=min(high, estimate.high + shift),
        without_real=without_real,
        without_generated=without_generated,
        deviation=deviation,
    )


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The same figure in another unit: everything times a factor above 0; InputError for another."""
    if not 0 < factor < inf:
        raise InputError(f"the factor is {factor}: a unit is worth more than 0 of another")
    sides = estimate.without_real, estimate.without_generated
    without_real, without_generated = (tuple(one * factor for one in side) for side in sides)
    return replace(
        estimate,
        value=estimate.value * factor,
        low=estimate.low * factor,
        high=estimate.high * factor,
        without_real=without_real,
        without_generated=without_generated,
        of_pairs=OfPairs(*(deviation * factor for deviation in estimate.of_pairs)),
    )


def groups_of(count: int, labels: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """The group of each of `count` rows, int64 (count,): up to 20 groups of equal size, dealt in a fixed shuffle.

    labels `(count,)`: rows of each are dealt in turn, so that every group has its share of them. Raises InputError for
    no rows, or labels of another count.
    """
    if not isinstance(count, Integral) or count < 1:
        raise InputError(f"{count} rows make no groups: give 1 or more")
    labels = None if labels is None else row_labels(labels, count)
    order = np.random.default_rng(0).permutation(count)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    groups = np.empty(count, np.int64)
    groups[order] = np.arange(count) % min(GROUPS, count)
    return groups


def jackknife(
    value: float,
    *,
    real: Sequence[ArrayLike] = (),
    generated: Sequence[ArrayLike] = (),
    low: float = -inf,
    high: float = inf,
    beside: Beside = ("", ""),
    of_pairs: OfPairs = NO_PAIRS,
) -> Estimate:
    """The estimate of a figure from its values with each group of a sample left out: an array `(G,)` a sample.

    The variances that the independent samples bring are added. The interval is a t interval with Satterthwaite's
    degrees of freedom, G − 1 for each sample, cut off at `low` and `high`, between which the figure must lie; as
    wide as that where a sample has a single group. of_pairs: the standard deviation that pairs of rows bring, the
    variance of which a jackknife counts twice (Efron & Stein 1981, "The Jackknife Estimate of Variance"): one is taken
    off, and one always stays. Raises InputError where there is no such array or a value is not finite.
    """
    without_real, without_generated = (tuple(np.asarray(one, np.float64) for one in side) for side in (real, generated))
    samples = [*without_real, *without_generated]
    fit = all(one.ndim == 1 and len(one) and np.isfinite(one).all() for one in samples)
    if not samples or not fit or not isfinite(value):
        raise InputError("a jackknife takes a number and its values with each group left out, an array for each sample")
    half = _half_width(samples, of_pairs.every)
    ends = max(low, value - half), min(high, value + half)
    return Estimate(value, *ends, without_real, without_generated, beside, of_pairs)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a − b of one figure of two generated samples beside the same real one, whose share in their chance cancels.

    Raises InputError where the real samples were not the same.
    """
    counts = [[len(one) for one in estimate.without_real] for estimate in (a, b)]
    if counts[0] != counts[1] or (a.beside[0] and b.beside[0] and a.beside[0] != b.beside[0]):
        raise InputError("the figures were taken beside different real images: take both beside the same")
    opposite = tuple(-other for other in b.without_real)
    if a.beside[1] == b.beside[1]:
        shared = tuple(one + other for one, other in zip(a.without_real, opposite, strict=True))
    else:  # dealt otherwise: what cancels is not known
        shared = (*a.without_real, *opposite)
    left = hypot(a.of_pairs.with_generated, b.of_pairs.with_generated)  # pairs of real rows bring the same to both
    return jackknife(
        a.value - b.value,
        real=shared,
        generated=[*a.without_generated, *(-other for other in b.without_generated)],
        beside=a.beside,
        of_pairs=OfPairs(left, left),
    )


def interactions(whole: float, without_real: NDArray[np.float64], without_generated: NDArray[np.float64],
                 without_both: NDArray[np.float64]) -> NDArray[np.float64]:  # fmt: skip
    """What leaving a group of both sides out changes beyond the two alone."""
    return np.asarray(whole - without_real - without_generated + without_both)


def deviation_of_pairs(interaction: NDArray[np.float64], groups: int, real: int, generated: int) -> OfPairs:
    """The standard deviation that pairs of rows bring to a figure of two samples of so many rows, for `jackknife`.

    interaction: of pairs of groups, as `interactions`. Taken to be alike inside both samples and across them, as it is
    where the distributions are nearly the same; where they are not, it is next to nothing beside the rest.
    """
    largest = float(np.abs(interaction).max())
    if not largest:
        return NO_PAIRS
    typical = largest * float(np.sqrt(((interaction / largest) ** 2).mean()))
    every = (groups - 1) * typical * (real + generated) / sqrt(2 * real * generated)
    of_real = generated / (real + generated)  # share of the deviation that pairs of real rows alone bring
    return OfPairs(every, every * sqrt(1 - of_real**2))


def beside(rows: NDArray[Any], labels: NDArray[np.int64] | None = None) -> Beside:
    """What tells these real rows, and how they are dealt into groups, from others: for `Estimate`."""
    return digest_of(rows), "" if labels is None else digest_of(labels)


def digest_of(array: NDArray[Any]) -> str:
    """What tells these rows in this order from others: of their sum and of that of each times its place."""
    rows = array.reshape(len(array), -1)
    sums = np.vstack([np.ones(len(rows)), np.arange(len(rows))]) @ rows
    return blake2b(f"{array.shape}".encode() + sums.tobytes(), digest_size=16).hexdigest()


def means_without(values: ArrayLike, labels: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """The mean of some values `(N,)` with each group left out: `(G,)`; of a single value that value.

    labels: as of `groups_of`.
    """
    rows = numbers(values, "values")
    if rows.ndim != 1 or not len(rows):
        raise InputError(f"the values have the shape {rows.shape}: give one or more, (N,)")
    if len(rows) == 1:
        return rows.copy()
    groups = groups_of(len(rows), labels)
    counts, sums = np.bincount(groups), np.bincount(groups, weights=rows)
    return np.asarray((sums.sum() - sums) / (counts.sum() - counts))


def _half_width(samples: Sequence[NDArray[np.float64]], of_pairs: float = 0.0) -> float:
    """In units of a power of two, as the squares of huge and tiny deviations leave float64."""
    if min(len(one) for one in samples) < 2:
        return inf
    apart = [one - one.mean() for one in samples]
    unit = int(np.frexp(max(np.abs(one).max() for one in apart))[1])
    terms = [Term((len(one) - 1) / len(one) * float((np.ldexp(one, -unit) ** 2).sum()), len(one) - 1) for one in apart]
    variance = sum(term.squared_error for term in terms)
    once = float(np.ldexp(of_pairs, -unit)) ** 2
    left = max(variance - once, once) / variance if variance else 0.0
    return sqrt(left) * float(np.ldexp(half_width_of(terms), unit))
