"""Precision and recall, density and coverage: which generated images lie among real ones, which real ones are reached.

Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models"; Naeem et al. 2020,
"Reliable Fidelity and Diversity Metrics for Generative Models".
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.features import feature_rows, same_columns
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife, means_without
from elmyr.metrics.labels import wilson_interval

BLOCK = 4_000_000  # distances held at a time: 32 MB of float64
PRUNED = 0.5  # share of the balls, the widest, that realism does not look at

Rows = NDArray[np.float64]
Places = NDArray[np.int64]


class Balls(NamedTuple):
    """A ball around each row of features `(N, D)` that reaches to its k-th nearest other row.

    squared_radii `(N,)`; squared_radii_without `(N, G)`, those with each group of the jackknife left out.
    """

    rows: Rows
    k: int
    squared_radii: Rows
    squared_radii_without: Rows


def balls_of(features: ArrayLike, k: int) -> Balls:
    """The balls of features `(N, D)`: to be given to the figures in the features' place where they are used again.

    Raises InputError for k < 1, k rows or fewer, or values that are not finite.
    """
    return _balls(features, k, "given")


def precision_recall(real: ArrayLike | Balls, generated: ArrayLike | Balls, k: int = 3) -> tuple[Estimate, Estimate]:
    """The improved precision and recall of features `(N, D)` and `(M, D)`: shares in [0, 1]; 1 is the best.

    A set's manifold is a ball around each of its rows that reaches to the row's k-th nearest other row.
    Precision is the share of generated rows inside the real manifold, recall that of real rows inside the
    generated one. A row on a ball's boundary is inside (distance <= radius), so a copy of a row lies in its
    ball even where the radius is 0. The result is that of distances computed from the differences, ties
    included, in whatever order the rows come. Raises InputError for k < 1, k rows or fewer, different D, or
    values that are not finite. Source: Kynkäänniemi et al. 2019.
    """
    a, b = _balls(real, k, "real"), _balls(generated, k, "generated")
    same_columns(a.rows, b.rows)
    group_a, group_b = groups_of(len(a.rows)), groups_of(len(b.rows))
    of_real = np.zeros((len(a.rows), group_b.max() + 1), np.int64)  # generated balls of each group around a real row
    of_generated = np.zeros((len(b.rows), group_a.max() + 1), np.int64)
    for part, squared, error in _squared_distances(b.rows, a.rows):
        points, centers, _ = _inside(squared, a.squared_radii, error, b.rows[part], a.rows)
        of_generated[part] = _counts(points, group_a[centers], of_generated[part].shape)
        centers, points, _ = _inside(squared, b.squared_radii[part, None], error, b.rows[part], a.rows)
        of_real += _counts(points, group_b[part][centers], of_real.shape)
    precision, recall = (around.sum(axis=1) > 0 for around in (of_generated, of_real))
    return (
        _share(precision, real=_shares_without(of_generated), generated=means_without(precision)),
        _share(recall, real=means_without(recall), generated=_shares_without(of_real)),
    )


def density_coverage(real: ArrayLike | Balls, generated: ArrayLike, k: int = 5) -> tuple[Estimate, Estimate]:
    """Density (at least 0, about 1 for equal distributions) and coverage (in [0, 1]) of features as above.

    Density is the mean number of real balls around a generated row, divided by k: an outlier among the real rows
    counts once, not for all that lies in its large ball. Coverage is the share of real balls that hold a generated
    row. Raises InputError as `precision_recall`. Source: Naeem et al. 2020.
    """
    a, b = _balls(real, k, "real"), feature_rows(generated, name="generated", least=k + 1)
    same_columns(a.rows, b)
    group_a, group_b = groups_of(len(a.rows)), groups_of(len(b))
    widest = a.squared_radii_without.max(axis=1)
    around = np.zeros(len(b))
    held = np.zeros(group_a.max() + 1)  # in balls that grow where a group of real rows is left out: density feels it
    of_real = np.zeros((len(a.rows), group_b.max() + 1), np.int64)
    for part, squared, error in _squared_distances(b, a.rows):
        points, centers, distances = _inside(squared, widest, error, b[part], a.rows)
        for group in range(len(held)):
            left = group_a[centers] != group
            held[group] += np.count_nonzero(left & (distances <= a.squared_radii_without[centers, group]))
        inside = distances <= a.squared_radii[centers]
        points, centers = points[inside], centers[inside]
        around[part] = np.bincount(points, minlength=len(squared)) / k
        of_real += _counts(centers, group_b[part][points], of_real.shape)
    coverage = of_real.sum(axis=1) > 0
    without = held / (k * len(b))
    return (
        jackknife(float(around.mean()), real=[without], generated=[means_without(around)], low=0.0),
        _share(coverage, real=means_without(coverage), generated=_shares_without(of_real)),
    )


def realism(real: ArrayLike | Balls, generated: ArrayLike, k: int = 3) -> Rows:
    """How real each generated row looks `(M,)`: the largest of (a ball's radius / the distance from its center).

    At least 1 for a row inside a ball, infinite for a copy of a real row. The widest half of the balls, those around
    outliers among the real rows, is not looked at. Raises InputError as `precision_recall`. Source: Kynkäänniemi
    et al. 2019.
    """
    a, b = _balls(real, k, "real"), feature_rows(generated, name="generated", least=1)
    same_columns(a.rows, b)
    kept = np.argsort(a.squared_radii, kind="stable")[: max(1, int(len(a.rows) * (1 - PRUNED)))]
    centers, radii = a.rows[kept], a.squared_radii[kept]
    found = np.zeros(len(b))
    for part, squared, error in _squared_distances(b, centers):
        rows, columns = np.divmod(np.flatnonzero(squared <= error), len(centers))
        squared[rows, columns] = _exact(b[part], centers, rows, columns)
        ratios = np.full(squared.shape, np.inf)
        np.divide(radii, squared, out=ratios, where=squared > 0)
        found[part] = np.sqrt(ratios.max(axis=1))
    return found


def _balls(features: ArrayLike | Balls, k: int, name: str) -> Balls:
    if isinstance(features, Balls):
        if features.k != k:
            raise InputError(f"the {name} balls reach to neighbor {features.k}, not {k}: make others with balls_of")
        return features
    if k < 1:
        raise InputError(f"k is {k}: the radius reaches to the k-th nearest neighbor, so give 1 or more")
    rows = feature_rows(features, name=name, least=k + 1)
    groups = groups_of(len(rows))
    radii, without = np.empty(len(rows)), np.empty((len(rows), groups.max() + 1))
    for part, squared, error in _squared_distances(rows, rows):
        own = np.arange(len(squared))
        squared[own, part.start + own] = np.inf
        nearest, distances = _nearest(squared, k, error, rows[part], rows)
        radii[part] = distances[:, k - 1]
        for group in range(without.shape[1]):
            rank = np.cumsum(groups[nearest] != group, axis=1)
            # That more than 3k of 4k neighbors are of one group happens next to never.
            place = np.minimum((rank < k).sum(axis=1), nearest.shape[1] - 1)
            without[part, group] = np.take_along_axis(distances, place[:, None], axis=1)[:, 0]
    return Balls(rows, k, radii, without)


def _nearest(squared: Rows, k: int, error: float, points: Rows, others: Rows) -> tuple[Places, Rows]:
    """The nearest others of each point, of which the k-th is exact, and their squared distances: in their order."""
    count = min(squared.shape[1] - 1, 4 * k + 4)
    nearest = np.argpartition(squared, count - 1, axis=1)[:, :count]
    reach = np.take_along_axis(squared, nearest, axis=1).max(axis=1)
    distances = ((points[:, None] - others[nearest]) ** 2).sum(axis=2)
    kth = np.partition(distances, k - 1, axis=1)[:, k - 1]
    # One that was not looked at may be nearer where more than these lie within the rounding.
    crowded = (kth > reach - error) & (kth > 0) & (count < squared.shape[1] - 1)
    for row in np.flatnonzero(crowded):
        exact = np.where(squared[row] < np.inf, ((points[row] - others) ** 2).sum(axis=1), np.inf)
        nearest[row] = np.argpartition(exact, count - 1)[:count]
        distances[row] = exact[nearest[row]]
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(nearest, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _inside(
    squared: Rows, squared_radii: Rows, error: float, points: Rows, centers: Rows
) -> tuple[Places, Places, Rows]:
    """The pairs (point, center) no farther apart than a radius, and their squared distances.

    squared: (P, C), off by at most `error`; squared_radii: of the centers (C,), or of the points (P, 1).
    """
    rows, columns = np.divmod(np.flatnonzero(squared <= squared_radii + error), squared.shape[1])
    distances = squared[rows, columns]
    radii = np.broadcast_to(squared_radii, squared.shape)[rows, columns]
    doubtful = np.flatnonzero(distances >= radii - error)
    distances[doubtful] = _exact(points, centers, rows[doubtful], columns[doubtful])
    kept = distances <= radii
    return rows[kept], columns[kept], distances[kept]


def _counts(rows: Places, groups: NDArray[np.int64], shape: tuple[int, ...]) -> Places:
    """How often each row and group come together."""
    return np.bincount(rows * shape[1] + groups, minlength=shape[0] * shape[1]).reshape(shape)


def _shares_without(around: Places) -> Rows:
    """The share of rows that still have something around them where a group of it is left out: (G,)."""
    return np.asarray(((around.sum(axis=1, keepdims=True) - around) > 0).mean(axis=0))


def _share(hits: NDArray[np.bool_], *, real: Rows, generated: Rows) -> Estimate:
    """At least as wide as the interval of a share of so many: a jackknife of hits that are all alike has no width."""
    found = jackknife(float(hits.mean()), real=[real], generated=[generated])
    low, high = wilson_interval(int(hits.sum()), len(hits))
    return replace(found, low=max(0.0, min(found.low, low)), high=min(1.0, max(found.high, high)))


def _squared_distances(a: Rows, b: Rows) -> Iterator[tuple[slice, Rows, float]]:
    """Blocks of rows of `a` against all of `b`, as |a|² + |b|² − 2ab, and a bound on that form's rounding."""
    center = b.mean(axis=0)
    near_a, near_b = a - center, b - center
    norms_a, norms_b = (near_a**2).sum(axis=1), (near_b**2).sum(axis=1)
    reach = float(np.sqrt(max(norms_a.max(), norms_b.max())))
    offset = float(np.linalg.norm(center))  # subtracting it rounds too
    error = 16 * a.shape[1] * np.finfo(np.float64).eps * reach * (reach + offset)
    height = max(1, BLOCK // len(b))
    for start in range(0, len(a), height):
        part = slice(start, min(start + height, len(a)))
        yield part, norms_a[part, None] + norms_b - 2 * near_a[part] @ near_b.T, error


def _exact(a: Rows, b: Rows, rows: Places, columns: Places) -> Rows:
    """The squared distances of pairs of rows from their differences: equal rows are at 0, and ties are ties."""
    distances = np.empty(len(rows))
    height = max(1, BLOCK // a.shape[1])
    for start in range(0, len(rows), height):
        part = slice(start, start + height)
        distances[part] = ((a[rows[part]] - b[columns[part]]) ** 2).sum(axis=1)
    return distances
