"""Precision and recall, density and coverage: which generated images lie among real ones, which real ones are reached.

Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models"; Naeem et al. 2020,
"Reliable Fidelity and Diversity Metrics for Generative Models".
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.errors import InputError
from elmyr.metrics.features import feature_pair
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife, means_without

BLOCK = 4_000_000  # distances held at a time: 32 MB of float64

Rows = NDArray[np.float64]


def precision_recall(real: ArrayLike, generated: ArrayLike, k: int = 3) -> tuple[Estimate, Estimate]:
    """The improved precision and recall of features `(N, D)` and `(M, D)`: shares in [0, 1]; 1 is the best.

    A set's manifold is a ball around each of its rows that reaches to the row's k-th nearest other row.
    Precision is the share of generated rows inside the real manifold, recall that of real rows inside the
    generated one. A row on a ball's boundary is inside (distance <= radius), so a copy of a row lies in its
    ball even where the radius is 0. The result is that of distances computed from the differences, ties
    included, in whatever order the rows come. Raises InputError for k < 1, k rows or fewer, different D, or
    values that are not finite. Source: Kynkäänniemi et al. 2019.
    """
    a, b = _checked(real, generated, k)
    precision, by_generated, by_real = _share_inside(_containment(b, a, k))
    recall, of_real, of_generated = _share_inside(_containment(a, b, k))
    return (
        jackknife(precision, real=[by_real], generated=[by_generated], low=0.0, high=1.0),
        jackknife(recall, real=[of_real], generated=[of_generated], low=0.0, high=1.0),
    )


def density_coverage(real: ArrayLike, generated: ArrayLike, k: int = 5) -> tuple[Estimate, Estimate]:
    """Density (at least 0, about 1 for equal distributions) and coverage (in [0, 1]) of features as above.

    Density is the mean number of real balls around a generated row, divided by k: an outlier among the real rows
    counts once, not for all that lies in its large ball. Coverage is the share of real balls that hold a generated
    row. Raises InputError as `precision_recall`. Source: Naeem et al. 2020.
    """
    a, b = _checked(real, generated, k)
    found = _containment(b, a, k)
    return _density(found, a, b, k), _coverage(found)


class Containment(NamedTuple):
    """Which points lie in which balls, counted over groups (of the jackknife).

    points: (P, G), how many balls of each group of centers hold each point; centers: (C, H), how many points of each
    group lie in each center's ball.
    """

    points: NDArray[np.int64]
    centers: NDArray[np.int64]


def _checked(real: ArrayLike, generated: ArrayLike, k: int) -> tuple[Rows, Rows]:
    if k < 1:
        raise InputError(f"k is {k}: the radius reaches to the k-th nearest neighbor, so give 1 or more")
    return feature_pair(real, generated, least=k + 1)


def _containment(points: Rows, centers: Rows, k: int) -> Containment:
    squared_radii = _squared_radii(centers, k)
    groups_p, groups_c = groups_of(len(points)), groups_of(len(centers))
    member_p, member_c = (np.eye(groups.max() + 1, dtype=np.float32)[groups] for groups in (groups_p, groups_c))
    of_points = np.zeros((len(points), member_c.shape[1]), np.int64)
    of_centers = np.zeros((len(centers), member_p.shape[1]), np.int64)
    for part, squared, error in _squared_distances(points, centers):
        _make_exact(squared, abs(squared - squared_radii) <= error, points[part], centers)
        inside = (squared <= squared_radii).astype(np.float32)  # sums of fewer than 2^24 ones are exact
        of_points[part] = inside @ member_c
        of_centers += (inside.T @ member_p[part]).astype(np.int64)
    return Containment(of_points, of_centers)


def _share_inside(found: Containment) -> tuple[float, Rows, Rows]:
    """The share of points that lie in a ball, and the same without each group of points, and of balls (as they are)."""
    inside = found.points.sum(axis=1) > 0
    without_balls = ((found.points.sum(axis=1, keepdims=True) - found.points) > 0).mean(axis=0)
    return float(inside.mean()), means_without(inside), without_balls


def _coverage(found: Containment) -> Estimate:
    reached = found.centers.sum(axis=1) > 0
    without_points = ((found.centers.sum(axis=1, keepdims=True) - found.centers) > 0).mean(axis=0)
    return jackknife(
        float(reached.mean()), real=[means_without(reached)], generated=[without_points], low=0.0, high=1.0
    )


def _density(found: Containment, real: Rows, generated: Rows, k: int) -> Estimate:
    around = found.points.sum(axis=1) / k
    without_real = _densities_without(real, generated, k)
    return jackknife(float(around.mean()), real=[without_real], generated=[means_without(around)], low=0.0)


def _densities_without(real: Rows, generated: Rows, k: int) -> Rows:
    """The density with each group of real rows left out: (G,). The other balls grow, which density does feel."""
    groups = groups_of(len(real))
    squared_radii = _squared_radii_without(real, groups, k)
    widest = squared_radii.max(axis=1)
    held = np.zeros(squared_radii.shape[1])
    for part, squared, _ in _squared_distances(real, generated):
        rows, columns = np.nonzero(squared <= widest[part, None])
        near = squared[rows, columns][:, None] <= squared_radii[part][rows]
        near &= groups[part][rows][:, None] != np.arange(len(held))
        held += near.sum(axis=0)
    return held / (k * len(generated))


def _squared_radii_without(rows: Rows, groups: NDArray[np.int64], k: int) -> Rows:
    """The squared distance to the k-th nearest other row that is not of a group: (N, G)."""
    count = groups.max() + 1
    looked_at = min(len(rows) - 1, 4 * k + 4)  # that more of these than 3k are of one group happens next to never
    radii = np.empty((len(rows), count))
    for part, squared, _ in _squared_distances(rows, rows):
        _exclude_itself(squared, part)
        nearest = np.argpartition(squared, looked_at - 1, axis=1)[:, :looked_at]
        distances = np.take_along_axis(squared, nearest, axis=1)
        order = np.argsort(distances, axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
        group_of_nearest = np.take_along_axis(groups[nearest], order, axis=1)
        for group in range(count):
            rank = np.cumsum(group_of_nearest != group, axis=1)
            place = np.minimum((rank < k).sum(axis=1), looked_at - 1)
            radii[part, group] = np.take_along_axis(distances, place[:, None], axis=1)[:, 0]
    return radii


def _squared_radii(rows: Rows, k: int) -> Rows:
    radii = np.empty(len(rows))
    for part, squared, error in _squared_distances(rows, rows):
        _exclude_itself(squared, part)
        kth = np.partition(squared, k - 1, axis=1)[:, k - 1 : k]
        _make_exact(squared, squared <= kth + 2 * error, rows[part], rows)
        radii[part] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return radii


def _exclude_itself(squared: Rows, part: slice) -> None:
    own = np.arange(part.start, part.start + len(squared))
    squared[np.arange(len(squared)), own] = np.inf


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
        part = slice(start, start + height)
        yield part, norms_a[part, None] + norms_b - 2 * near_a[part] @ near_b.T, error


def _make_exact(squared: Rows, doubtful: NDArray[np.bool_], a: Rows, b: Rows) -> None:
    """Computes the doubtful distances from the differences: equal rows are at 0, and ties are ties."""
    rows, columns = np.nonzero(doubtful)
    height = max(1, BLOCK // a.shape[1])
    for start in range(0, len(rows), height):
        i, j = rows[start : start + height], columns[start : start + height]
        squared[i, j] = ((a[i] - b[j]) ** 2).sum(axis=1)
