"""The Fréchet distances of two samples, and of all their replicates."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.metrics.design import Replicates
from elmyr.metrics.gaussians.moments import Gaussian, diagonals, gaussian_of, gaussians_of, side_of
from elmyr.metrics.jackknife import GROUPS, interactions

Rows = NDArray[np.float64]

SMALLEST = 1e-9  # share of the largest overlap, below which a direction holds rounding alone
NEGLIGIBLE = 1e-150  # share of the largest root, below which one is none
ENOUGH = 4  # rows for each column, from which the distances of replicates are expanded around that of the samples
MODERATE = 64  # powers of two, up to which the fourth powers of rows stay in float64


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
    unit = _unit_of(max(max(rows.max(), -rows.min()) for rows in (a, b)))
    sides = (np.ldexp(a, -unit), of_a, np.ldexp(b, -unit), of_b) if unit else (a, of_a, b, of_b)
    found = (_expanded if expanded else _one_by_one)(*sides)
    value, *others = (np.ldexp(each, 2 * unit) for each in found)
    return ReplicatedDistances(float(value), *others)


def distances_from(known: Gaussian, rows: Rows, replicates: Replicates) -> tuple[float, Rows]:
    """Of rows `(N, D)` from a Gaussian that is known: the distance, and that of each replicate `(G,)`."""
    reach = max(np.abs(rows).max(), np.abs(known.mean).max(), np.sqrt(np.abs(known.covariance).max()))
    unit = _unit_of(reach)
    scaled = Gaussian(np.ldexp(known.mean, -unit), np.ldexp(known.covariance, -2 * unit))
    expanded = len(rows) >= max(ENOUGH * rows.shape[1], GROUPS)
    value, without = (_expanded_from if expanded else _one_by_one_from)(scaled, np.ldexp(rows, -unit), replicates)
    return float(np.ldexp(value, 2 * unit)), np.ldexp(without, 2 * unit)


def _unit_of(reach: float) -> int:
    """The power of two that rows are scaled by: the fourth powers of huge and tiny ones leave float64."""
    unit = int(np.frexp(reach)[1])
    return unit if abs(unit) > MODERATE else 0


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
    side_a, side_b = side_of(a, of_a), side_of(b, of_b)
    whole_a, whole_b = _Rooted(side_a.whole), _Rooted(side_b.whole)
    left, overlaps, right = np.linalg.svd(whole_a.factor.T @ whole_b.factor)
    gap, trace_a, trace_b = whole_a.mean - whole_b.mean, np.trace(whole_a.covariance), np.trace(whole_b.covariance)
    weights = np.outer(overlaps, overlaps) * (overlaps[:, None] + overlaps)
    known = overlaps > SMALLEST * overlaps[0]
    inverse = np.divide(1, weights, out=np.zeros_like(weights), where=np.outer(known, known))
    without_a, without_b, roots_a, roots_b, both = (list[Rows]() for _ in range(5))
    turned_a, turned_b = side_a.turned(whole_b.factor @ right.T), side_b.turned(whole_a.factor @ left)
    for part_a, part_b in zip(turned_a, turned_b, strict=True):
        without_a.append(((gap + part_a.means) ** 2).sum(axis=1) + part_a.traces + trace_b)
        without_b.append(((gap - part_b.means) ** 2).sum(axis=1) + part_b.traces + trace_a)
        for roots, part in ((roots_a, part_a), (roots_b, part_b)):
            roots.append(_traces_of_roots(part.covariances, exact=not roots))
            diagonals(part.covariances)[:] -= overlaps**2
        apart = part_a.covariances * inverse
        apart *= part_b.covariances
        both.append(-2 * (part_a.means * part_b.means).sum(axis=1) - apart.sum(axis=(1, 2)))
    value = max(0.0, float((gap**2).sum() + trace_a + trace_b - 2 * overlaps.sum()))
    of_a_left_out, of_b_left_out = (
        np.concatenate(without) - 2 * _with_higher(roots)
        for without, roots in ((without_a, roots_a), (without_b, roots_b))
    )
    return ReplicatedDistances(value, of_a_left_out, of_b_left_out, np.concatenate(both))


def _one_by_one_from(known: Gaussian, rows: Rows, replicates: Replicates) -> tuple[float, Rows]:
    rooted = _Rooted(known)
    without = [_distance(rooted, _Rooted(part)) for part in gaussians_of(rows, replicates)]
    return _distance(rooted, _Rooted(gaussian_of(rows))), np.array(without)


def _expanded_from(known: Gaussian, rows: Rows, replicates: Replicates) -> tuple[float, Rows]:
    """As `_expanded`, of one side."""
    rooted, side = _Rooted(known), side_of(rows, replicates)
    whole = side.whole
    left, overlaps, _ = np.linalg.svd(rooted.factor.T @ _factor(whole.covariance))
    gap, traces = known.mean - whole.mean, np.trace(known.covariance)
    roots, without = list[Rows](), list[Rows]()
    for part in side.turned(rooted.factor @ left):
        without.append(((gap - part.means) ** 2).sum(axis=1) + part.traces + traces)
        roots.append(_traces_of_roots(part.covariances, exact=not roots))
    value = float((gap**2).sum() + traces + np.trace(whole.covariance) - 2 * overlaps.sum())
    return max(0.0, value), np.concatenate(without) - 2 * _with_higher(roots)


def _traces_of_roots(covariances: Rows, *, exact: bool) -> Rows:
    """Of covariances (g, D, D) that are next to diagonal, to second order in what is off it: (g,).

    exact: behind them what higher orders add to the first.
    """
    roots = np.sqrt(np.maximum(diagonals(covariances), 0))
    inverse = np.divide(1, roots, out=np.zeros_like(roots), where=roots > 0)
    off = covariances**2
    diagonals(off)[:] = 0
    sums = roots[:, :, None] + roots[:, None, :]
    off /= np.maximum(sums, NEGLIGIBLE * roots.max() or 1.0, out=sums)
    found = roots.sum(axis=1) - ((inverse[:, None, :] @ off)[:, 0] * inverse).sum(axis=1) / 4
    if not exact:
        return np.asarray(found)
    right = np.sqrt(np.maximum(np.linalg.eigvalsh(covariances[0]), 0)).sum()
    return np.append(found, right - found[0])


def _with_higher(found: Sequence[Rows]) -> Rows:
    """The traces of all replicates, each with the higher orders of the first."""
    first, *others = found
    return np.asarray(np.concatenate([first[:-1], *others]) + first[-1])


def _factor(covariance: Rows) -> Rows:
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:  # no full rank
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(vectors * np.sqrt(values.clip(min=0.0)))  # a covariance's eigenvalue below 0 is rounding
