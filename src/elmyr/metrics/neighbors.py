"""Precision and recall, density and coverage: which generated images lie among real ones, which real ones are reached.

Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models"; Naeem et al. 2020,
"Reliable Fidelity and Diversity Metrics for Generative Models".
"""

from dataclasses import replace
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.design import DRAWN, Design
from elmyr.metrics.distances import Block, blocks_of, exact
from elmyr.metrics.features import feature_rows, same_columns
from elmyr.metrics.jackknife import Beside, Estimate, digest_of, groups_of, jackknife
from elmyr.metrics.labels import wilson_interval

PRUNED = 0.5  # share of the balls, the widest, that realism does not look at
ROUNDING = 1e-9  # within which two ratios are compared exactly

Rows = NDArray[np.float64]
Places = NDArray[np.int64]


class Balls(NamedTuple):
    """A ball around each row of features `(N, D)` that reaches to its k-th nearest other row.

    squared_radii `(N,)`; squared_radii_without `(N, G)`, those with each group of the jackknife left out; groups
    `(N,)`: which group a row is in.
    """

    rows: Rows
    k: int
    squared_radii: Rows
    squared_radii_without: Rows
    groups: Places


def balls_of(features: ArrayLike, k: int, labels: Places | None = None) -> Balls:
    """The balls of features `(N, D)`: to be given to the figures in the features' place where they are used again.

    labels `(N,)`: by which the rows are dealt into groups. Raises InputError for k < 1, k rows or fewer, or values that
    are not finite.
    """
    return _balls(features, k, "given", labels)


def precision_recall(
    real: ArrayLike | Balls, generated: ArrayLike | Balls, k: int = 3, *, design: Design = DRAWN
) -> tuple[Estimate, Estimate]:
    """The improved precision and recall of features `(N, D)` and `(M, D)`: shares in [0, 1]; 1 is the best.

    A set's manifold is a ball around each of its rows that reaches to the row's k-th nearest other row.
    Precision is the share of generated rows inside the real manifold, recall that of real rows inside the
    generated one. A row on a ball's boundary is inside (distance <= radius), so a copy of a row lies in its
    ball even where the radius is 0. The result is that of distances computed from the differences, ties
    included, in whatever order the rows come. Raises InputError for k < 1, k rows or fewer, different D, or
    values that are not finite. design: whether labels were fixed. Source: Kynkäänniemi et al. 2019.
    """
    a, b = _balls(real, k, "real", design.real), _balls(generated, k, "generated", design.generated)
    same_columns(a.rows, b.rows)
    group_a, group_b = a.groups, b.groups
    of_real = np.zeros((len(a.rows), group_b.max() + 1), np.int64)  # generated balls of each group around a real row
    of_generated = np.zeros((len(b.rows), group_a.max() + 1), np.int64)
    for block in blocks_of(b.rows, a.rows):
        part = block.part
        points, centers, _ = _inside(block, a.squared_radii, b.rows, a.rows)
        of_generated[part] = _counts(points, group_a[centers], of_generated[part].shape)
        centers, points, _ = _inside(block, b.squared_radii[part, None], b.rows, a.rows)
        of_real += _counts(points, group_b[part][centers], of_real.shape)
    precision, recall = (around.sum(axis=1) > 0 for around in (of_generated, of_real))
    shown_beside = digest_of(a.rows), digest_of(a.groups)
    return (
        _share(
            precision,
            real=_shares_without(of_generated),
            generated=_means_without(precision, b.groups),
            beside=shown_beside,
        ),
        _share(recall, real=_means_without(recall, a.groups), generated=_shares_without(of_real), beside=shown_beside),
    )


def density_coverage(
    real: ArrayLike | Balls, generated: ArrayLike, k: int = 5, *, design: Design = DRAWN
) -> tuple[Estimate, Estimate]:
    """Density (at least 0, about 1 for equal distributions) and coverage (in [0, 1]) of features as above.

    Density is the mean number of real balls around a generated row, divided by k: an outlier among the real rows
    counts once, not for all that lies in its large ball. Coverage is the share of real balls that hold a generated
    row. Both intervals are at least as wide as a share's. Raises InputError as `precision_recall`. Source: Naeem et
    al. 2020.
    """
    a, b = _balls(real, k, "real", design.real), feature_rows(generated, name="generated", least=k + 1)
    same_columns(a.rows, b)
    group_a, group_b = a.groups, groups_of(len(b), design.generated)
    around = np.zeros(len(b))
    held = np.zeros(group_a.max() + 1)  # in balls that grow where a group of real rows is left out: density feels it
    of_real = np.zeros((len(a.rows), group_b.max() + 1), np.int64)
    for block in blocks_of(b, a.rows):
        part = block.part
        points, centers, distances = _inside(block, a.squared_radii, b, a.rows, a.squared_radii_without)
        for group in range(len(held)):
            left = group_a[centers] != group
            held[group] += np.count_nonzero(left & (distances <= a.squared_radii_without[centers, group]))
        inside = distances <= a.squared_radii[centers]
        points, centers = points[inside], centers[inside]
        around[part] = np.bincount(points, minlength=len(block.squared)) / k
        of_real += _counts(centers, group_b[part][points], of_real.shape)
    coverage, beside_real = of_real.sum(axis=1) > 0, (digest_of(a.rows), digest_of(a.groups))
    density = jackknife(
        float(around.mean()),
        real=[held / (k * len(b))],
        generated=[_means_without(around, group_b)],
        low=0.0,
        beside=beside_real,
    )
    covered = _share(
        coverage, real=_means_without(coverage, a.groups), generated=_shares_without(of_real), beside=beside_real
    )
    return _no_narrower_than_its_share(density, around), covered


def realism(real: ArrayLike | Balls, generated: ArrayLike, k: int = 3) -> Rows:
    """How real each generated row looks `(M,)`: the largest of (a ball's radius / the distance from its center).

    At least 1 for a row inside a ball, infinite for a copy of a real row. The widest half of the balls, those around
    outliers among the real rows, is not looked at. Raises InputError as `precision_recall`. Source: Kynkäänniemi
    et al. 2019.
    """
    a, b = _balls(real, k, "real", None), feature_rows(generated, name="generated", least=1)
    same_columns(a.rows, b)
    kept = np.argsort(a.squared_radii, kind="stable")[: max(1, int(len(a.rows) * (1 - PRUNED)))]
    centers, radii = a.rows[kept], a.squared_radii[kept]
    found = np.zeros(len(b))
    for block in blocks_of(b, centers):
        rows, columns = _pairs_of_the_largest_ratio(block, radii)
        squared = exact(b[block.part], centers, rows, columns)
        ratios = np.full(len(rows), np.inf)
        np.divide(radii[columns], squared, out=ratios, where=squared > 0)
        np.maximum.at(found, rows + block.part.start, np.sqrt(ratios))
    return found


def _pairs_of_the_largest_ratio(block: Block, radii: Rows) -> tuple[Places, Places]:
    """The pairs (row, center) that may have the largest ratio of all of the row."""
    nearest = np.maximum(block.squared - block.error, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.nan_to_num(radii / (block.squared + block.error), nan=0.0).max(axis=1, keepdims=True)
    finite = np.where(np.isfinite(least), least, 0) * (1 - ROUNDING)
    places = np.flatnonzero((nearest == 0) | ((radii > 0) & (radii >= finite * nearest)))
    return np.divmod(places, len(radii))


def _balls(features: ArrayLike | Balls, k: int, name: str, labels: Places | None) -> Balls:
    if isinstance(features, Balls):
        if features.k != k:
            raise InputError(f"the {name} balls reach to neighbor {features.k}, not {k}: make others with balls_of")
        return features
    if not isinstance(k, Integral) or k < 1:
        raise InputError(f"k is {k}: the radius reaches to the k-th nearest neighbor, so give 1 or more")
    rows = feature_rows(features, name=name, least=k + 1)
    groups = groups_of(len(rows), labels)
    radii, without = np.empty(len(rows)), np.empty((len(rows), groups.max() + 1))
    for block in blocks_of(rows, rows):
        own = np.arange(len(block.squared))
        block.squared[own, block.part.start + own] = np.inf
        radii[block.part], without[block.part] = _radii(block, k, groups, rows)
    return Balls(rows, k, radii, without, groups)


def _radii(block: Block, k: int, groups: Places, rows: Rows) -> tuple[Rows, Rows]:
    """The squared distances of a block's rows to their k-th nearest, and to that with each group left out: exact."""
    most = block.squared.shape[1] - 1
    count = min(most, 4 * k + 4)
    radii, without, nearest, enough = _looked_at(block, k, groups, rows, count)
    farthest = np.maximum(radii, without.max(axis=1))
    # One that was not looked at may be nearer where more than these lie within the rounding.
    doubtful = block.squared - block.error <= farthest[:, None]
    np.put_along_axis(doubtful, nearest, False, axis=1)
    crowded = np.flatnonzero((doubtful.any(axis=1) & (farthest > 0)) | (~enough & (count < most)))
    for row in crowded:
        some = Block(slice(block.part.start + row, block.part.start + row + 1), *(a[row : row + 1] for a in block[1:]))
        radii[row], without[row] = (each[0] for each in _looked_at(some, k, groups, rows, most)[:2])
    return radii, without


def _looked_at(
    block: Block, k: int, groups: Places, rows: Rows, count: int
) -> tuple[Rows, Rows, Places, NDArray[np.bool_]]:
    """The radii by the nearest `count` alone, which these are, and whether all groups leave k of them."""
    nearest = np.argpartition(block.squared, count - 1, axis=1)[:, :count]
    distances = ((rows[block.part, None] - rows[nearest]) ** 2).sum(axis=2)
    order = np.argsort(distances, axis=1, kind="stable")
    nearest, distances = np.take_along_axis(nearest, order, axis=1), np.take_along_axis(distances, order, axis=1)
    without, enough = np.empty((len(nearest), groups.max() + 1)), np.ones(len(nearest), bool)
    for group in range(without.shape[1]):
        rank = np.cumsum(groups[nearest] != group, axis=1)
        enough &= rank[:, -1] >= k
        place = np.minimum((rank < k).sum(axis=1), count - 1)
        without[:, group] = np.take_along_axis(distances, place[:, None], axis=1)[:, 0]
    return distances[:, k - 1], without, nearest, enough


def _inside(
    block: Block, squared_radii: Rows, points: Rows, centers: Rows, others: Rows | None = None
) -> tuple[Places, Places, Rows]:
    """The pairs (point, center) no farther apart than a radius, and their squared distances; points of the block.

    squared_radii: of the centers (C,), or of the points (P, 1); others: more radii of the centers (C, G), as exactly.
    """
    widest = squared_radii if others is None else np.maximum(squared_radii, others.max(axis=1))
    rows, columns = np.divmod(np.flatnonzero(block.squared <= widest + block.error), block.squared.shape[1])
    distances, errors = block.squared[rows, columns], block.error[rows, columns]
    radii = np.broadcast_to(squared_radii, block.squared.shape)[rows, columns]
    doubtful = np.abs(distances - radii) <= errors
    for other in () if others is None else others.T:
        doubtful |= np.abs(distances - other[columns]) <= errors
    places = np.flatnonzero(doubtful)
    distances[places] = exact(points[block.part], centers, rows[places], columns[places])
    kept = distances <= (radii if others is None else widest[columns])
    return rows[kept], columns[kept], distances[kept]


def _counts(rows: Places, groups: NDArray[np.int64], shape: tuple[int, ...]) -> Places:
    """How often each row and group come together."""
    return np.bincount(rows * shape[1] + groups, minlength=shape[0] * shape[1]).reshape(shape)


def _means_without(values: NDArray[Any], groups: Places) -> Rows:
    """The mean of values with each group of the rows left out: (G,)."""
    counts, sums = np.bincount(groups), np.bincount(groups, weights=values)
    return np.asarray((sums.sum() - sums) / (counts.sum() - counts))


def _shares_without(around: Places) -> Rows:
    """The share of rows that still have something around them where a group of it is left out: (G,)."""
    return np.asarray(((around.sum(axis=1, keepdims=True) - around) > 0).mean(axis=0))


def _no_narrower_than_its_share(density: Estimate, around: Rows) -> Estimate:
    """At least as wide as Wilson's interval of the share of rows that lie in any ball has it.

    around `(N,)`: the density at each row. Where no row lies in any, those that were missed are taken to have 1.
    """
    inside = around[around > 0]
    of_inside = float(inside.mean()) if len(inside) else 1.0
    low, high = (of_inside * end for end in wilson_interval(len(inside), len(around)))
    return replace(density, low=max(0.0, min(density.low, low)), high=max(density.high, high))


def _share(hits: NDArray[np.bool_], *, real: Rows, generated: Rows, beside: Beside) -> Estimate:
    """At least as wide as the interval of a share of so many: a jackknife of hits that are all alike has no width."""
    found = jackknife(float(hits.mean()), real=[real], generated=[generated], beside=beside)
    low, high = wilson_interval(int(hits.sum()), len(hits))
    return replace(found, low=max(0.0, min(found.low, low)), high=min(1.0, max(found.high, high)))
