"""Gaussians of samples and of their replicates, and the Fréchet distances between them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.metrics.design import Replicates
from elmyr.metrics.features import feature_rows
from elmyr.metrics.jackknife import GROUPS, interactions

Rows = NDArray[np.float64]

SMALLEST = 1e-9  # share of the largest overlap, below which a direction holds rounding alone
ENOUGH = 4  # rows for each column, from which the distances of replicates are expanded around that of the samples


class Gaussian(NamedTuple):
    """The mean `(D,)` and the covariance `(D, D)` of features, float64."""

    mean: Rows
    covariance: Rows


def gaussian_of(features: ArrayLike) -> Gaussian:
    """The mean and the unbiased covariance of features `(N, D)`.

    Raises InputError for fewer than 2 rows, a shape other than `(N, D)`, or values that are not finite.
    """
    rows = feature_rows(features)
    mean = rows.mean(axis=0)
    centered = rows - mean
    return Gaussian(mean, centered.T @ centered / (len(rows) - 1))


def gaussian_distance(a: Gaussian, b: Gaussian) -> float:
    """The Fréchet distance of two Gaussians, 0 or more, without the cost of an interval."""
    return _distance(_Rooted(a), _Rooted(b))


class ReplicatedDistances(NamedTuple):
    """The distance of two samples; that with each replicate of one side `(G,)`, and what a replicate of both sides
    changes beyond the two alone `(G,)`.
    """

    value: float
    without_real: Rows
    without_generated: Rows
    interactions: Rows


def replicated_distances(a: Rows, of_a: Replicates, b: Rows, of_b: Replicates) -> ReplicatedDistances:
    """Of rows `(N, D)` and `(M, D)` with their replicates."""
    expanded = min(len(a), len(b)) >= max(ENOUGH * a.shape[1], GROUPS)
    unit = int(np.frexp(max(np.abs(a).max(), np.abs(b).max()))[1])  # fourth powers of huge and tiny rows leave float64
    found = (_expanded if expanded else _one_by_one)(np.ldexp(a, -unit), of_a, np.ldexp(b, -unit), of_b)
    value, *others = (np.ldexp(each, 2 * unit) for each in found)
    return ReplicatedDistances(float(value), *others)


def distances_from(known: Gaussian, rows: Rows, replicates: Replicates) -> tuple[float, Rows]:
    """Of rows `(N, D)` from a Gaussian that is known: the distance, and that of each replicate `(G,)`."""
    reach = max(np.abs(rows).max(), np.abs(known.mean).max(), np.sqrt(np.abs(known.covariance).max()))
    unit = int(np.frexp(reach)[1])
    scaled = Gaussian(np.ldexp(known.mean, -unit), np.ldexp(known.covariance, -2 * unit))
    expanded = len(rows) >= max(ENOUGH * rows.shape[1], GROUPS)
    value, without = (_expanded_from if expanded else _one_by_one_from)(scaled, np.ldexp(rows, -unit), replicates)
    return float(np.ldexp(value, 2 * unit)), np.ldexp(without, 2 * unit)


class _Rooted:
    """A Gaussian with a factor R of its covariance, R Rᵀ."""

    def __init__(self, gaussian: Gaussian) -> None:
        self.mean, self.covariance = gaussian
        self.factor = _factor(self.covariance)


def _one_by_one(a: Rows, of_a: Replicates, b: Rows, of_b: Replicates) -> ReplicatedDistances:
    whole_a, whole_b = (_Rooted(gaussian_of(rows)) for rows in (a, b))
    value = _distance(whole_a, whole_b)
    without_a, without_b, both = [], [], []
    for gaussian_a, gaussian_b in zip(gaussians_of(a, of_a), gaussians_of(b, of_b), strict=False):
        part_a, part_b = _Rooted(gaussian_a), _Rooted(gaussian_b)
        without_a.append(_distance(part_a, whole_b))
        without_b.append(_distance(whole_a, part_b))
        both.append(_distance(part_a, part_b))
    fewest = len(both)
    without_a += [_distance(_Rooted(part), whole_b) for part in gaussians_of(a, of_a, fewest)]
    without_b += [_distance(whole_a, _Rooted(part)) for part in gaussians_of(b, of_b, fewest)]
    left_a, left_b = np.array(without_a), np.array(without_b)
    together = interactions(value, left_a[:fewest], left_b[:fewest], np.array(both))
    return ReplicatedDistances(value, left_a, left_b, together)


def _distance(a: _Rooted, b: _Rooted) -> float:
    # tr (Σa Σb)^½ is the sum of the singular values of Raᵀ Rb: nothing complex, no root of rounding noise.
    overlap = np.linalg.svd(a.factor.T @ b.factor, compute_uv=False).sum()
    distance = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    return max(0.0, float(distance))


def _expanded(a: Rows, of_a: Replicates, b: Rows, of_b: Replicates) -> ReplicatedDistances:
    """With one decomposition in place of one for each replicate.

    In the bases U and V of Raᵀ Rb = U s Vᵀ, the rows b Ra U and a Rb V have the covariance s², and that of a replicate
    is next to diagonal: the trace of its root follows by perturbation to second order in what is off the diagonal. What
    is left of higher orders is nearly the same for all replicates, and taken from the first of them.
    """
    means = [rows.mean(axis=0) for rows in (a, b)]
    centered_a, centered_b = a - means[0], b - means[1]
    whole_a, whole_b = (
        _Rooted(Gaussian(mean, centered.T @ centered / (len(centered) - 1)))
        for mean, centered in zip(means, (centered_a, centered_b), strict=True)
    )
    left, overlaps, right = np.linalg.svd(whole_a.factor.T @ whole_b.factor)
    gap, trace_a, trace_b = means[0] - means[1], np.trace(whole_a.covariance), np.trace(whole_b.covariance)
    weights = np.outer(overlaps, overlaps) * (overlaps[:, None] + overlaps)
    known = overlaps > SMALLEST * overlaps[0]
    inverse = np.divide(1, weights, out=np.zeros_like(weights), where=np.outer(known, known))
    roots_a, roots_b = _Roots(), _Roots()
    without_a, without_b, both = list[float](), list[float](), list[float]()
    turned_a = _turned(centered_a, whole_a.covariance, of_a, whole_b.factor @ right.T)
    turned_b = _turned(centered_b, whole_b.covariance, of_b, whole_a.factor @ left)
    for part_a, part_b in zip(turned_a, turned_b, strict=True):
        without_a.append(((gap + part_a.mean) ** 2).sum() + part_a.trace + trace_b)
        without_b.append(((gap - part_b.mean) ** 2).sum() + part_b.trace + trace_a)
        roots_a.add(part_a.turned)
        roots_b.add(part_b.turned)
        for part in (part_a, part_b):
            part.turned.flat[:: len(overlaps) + 1] -= overlaps**2
        both.append(-2 * part_a.mean @ part_b.mean - np.vdot(part_a.turned * inverse, part_b.turned))
    value = max(0.0, float((gap**2).sum() + trace_a + trace_b - 2 * overlaps.sum()))
    return ReplicatedDistances(
        value, without_a - 2 * roots_a.traces(), without_b - 2 * roots_b.traces(), np.array(both)
    )


def _one_by_one_from(known: Gaussian, rows: Rows, replicates: Replicates) -> tuple[float, Rows]:
    rooted = _Rooted(known)
    without = [_distance(rooted, _Rooted(part)) for part in gaussians_of(rows, replicates)]
    return _distance(rooted, _Rooted(gaussian_of(rows))), np.array(without)


def _expanded_from(known: Gaussian, rows: Rows, replicates: Replicates) -> tuple[float, Rows]:
    """As `_expanded`, of one side."""
    rooted, whole = _Rooted(known), gaussian_of(rows)
    left, overlaps, _ = np.linalg.svd(rooted.factor.T @ _factor(whole.covariance))
    gap, traces = known.mean - whole.mean, np.trace(known.covariance)
    roots, without = _Roots(), list[float]()
    for part in _turned(rows - whole.mean, whole.covariance, replicates, rooted.factor @ left):
        without.append(((gap - part.mean) ** 2).sum() + part.trace + traces)
        roots.add(part.turned)
    value = float((gap**2).sum() + traces + np.trace(whole.covariance) - 2 * overlaps.sum())
    return max(0.0, value), without - 2 * roots.traces()


class _Turned(NamedTuple):
    """Of a replicate of centered rows: mean, trace of the covariance, and the covariance in another basis."""

    mean: Rows
    trace: float
    turned: Rows


def _turned(centered: Rows, covariance: Rows, replicates: Replicates, turn: Rows) -> Iterator[_Turned]:
    square = (len(centered) - 1) * covariance
    if len(centered) > 2 * len(replicates.members) * len(turn):  # fewer products where the covariances are turned
        for mean, found in _of_centered(centered, square, replicates):
            yield _Turned(mean, float(np.trace(found)), turn.T @ found @ turn)
    else:
        of_rows = _of_centered(centered @ turn, turn.T @ square @ turn, replicates)
        yield from map(_Turned, *_moments(centered, replicates), (each.covariance for each in of_rows))


class _Roots:
    """The traces of the roots of covariances that are next to diagonal, of which the first is taken exactly, too."""

    def __init__(self) -> None:
        self.expanded: list[float] = []
        self.higher = 0.0

    def add(self, covariance: Rows) -> None:
        roots = np.sqrt(np.maximum(covariance.diagonal(), 0))
        inverse = np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)
        sums = roots[:, None] + roots
        off = covariance**2
        off.flat[:: len(roots) + 1] = 0
        np.divide(off, sums, out=off, where=sums > 0)
        self.expanded.append(float(roots.sum() - inverse @ off @ inverse / 4))
        if len(self.expanded) == 1:
            exact = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance), 0)).sum()
            self.higher = float(exact) - self.expanded[0]

    def traces(self) -> Rows:
        """With the higher orders of the first: (G,)."""
        return np.array(self.expanded) + self.higher


def gaussians_of(rows: Rows, replicates: Replicates, first: int = 0) -> Iterator[Gaussian]:
    """The Gaussian of each replicate from the `first` on."""
    shift = rows.mean(axis=0)  # sums of squares of centered rows lose no digits
    centered = rows - shift
    found = _of_centered(centered, centered.T @ centered, replicates, first)
    return (Gaussian(mean + shift, covariance) for mean, covariance in found)


def _of_centered(centered: Rows, square: Rows, replicates: Replicates, first: int = 0) -> Iterator[Gaussian]:
    """The same of rows whose mean is 0, and the product of which with themselves is known."""
    kept, taken = (each / len(centered) for each in (replicates.kept, replicates.kept - replicates.lighter))
    even = (kept == kept[0]).all()
    total, squares = kept @ centered, (kept**2).sum()
    square = kept[0] * square if even else _square(centered, kept)
    for members in replicates.members[first:]:
        part, off = centered[members], taken[members]
        mean = total - off @ part
        covariance = square - _square(part, off) - np.outer(mean, mean)
        covariance /= 1 - squares + (off * (2 * kept[members] - off)).sum()  # one less the sum of the squared weights
        yield Gaussian(mean, covariance)


def _moments(centered: Rows, replicates: Replicates) -> tuple[Rows, Rows]:
    """The mean (G, D) and the trace of the covariance (G,) of each replicate."""
    weights = replicates.weights()[:, 1:]
    means = weights.T @ centered
    traces = weights.T @ (centered**2).sum(axis=1) - (means**2).sum(axis=1)
    return means, traces / (1 - (weights**2).sum(axis=0))


def _square(rows: Rows, weights: Rows) -> Rows:
    """Σ w x xᵀ; a product of one array with itself takes half the time."""
    if (weights == weights[0]).all():
        return np.asarray(weights[0] * (rows.T @ rows))
    scaled = rows * np.sqrt(weights)[:, None]
    return np.asarray(scaled.T @ scaled)


def _factor(covariance: Rows) -> Rows:
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:  # no full rank
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(vectors * np.sqrt(values.clip(min=0.0)))  # a covariance's eigenvalue below 0 is rounding
