"""Precision, recall, density and coverage, with or without the points that lie at a ball's very boundary."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.metrics.distances import blocks_of, exact
from elmyr.metrics.features import feature_pair
from elmyr.metrics.neighbors import balls_of

Rows = NDArray[np.float64]


class NeighborShares(NamedTuple):
    """What of one set lies in the balls around the other."""

    precision: float
    recall: float
    density: float
    coverage: float


def neighbor_shares(real: ArrayLike, generated: ArrayLike, k: int, *, inclusive: bool) -> NeighborShares:
    """Of features `(N, D)` and `(M, D)`, by balls that reach to the k-th nearest other row.

    inclusive: whether a row whose distance is the radius itself lies in the ball. Copies of rows lie in each other's
    balls of radius 0 only then. Raises InputError for k < 1, k rows or fewer, different D, or values that are not
    finite. Sources: Kynkäänniemi et al. 2019 (≤), Naeem et al. 2020 (<).
    """
    a, b = feature_pair(real, generated, least=k + 1)
    around, held = _balls_around(b, a, balls_of(a, k).squared_radii, inclusive)
    of_real, _ = _balls_around(a, b, balls_of(b, k).squared_radii, inclusive)
    return NeighborShares(*map(float, ((around > 0).mean(), (of_real > 0).mean(), around.mean() / k, held.mean())))


def _balls_around(
    points: Rows, centers: Rows, squared_radii: Rows, inclusive: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """How many balls hold each point, and which balls hold a point: exact at their boundaries."""
    around, held = np.zeros(len(points), np.int64), np.zeros(len(centers), bool)
    for block in blocks_of(points, centers):
        apart = block.squared - squared_radii
        inside = apart < 0
        rows, columns = np.nonzero(np.abs(apart) <= block.error)
        distances = exact(points[block.part], centers, rows, columns)
        radii = squared_radii[columns]
        inside[rows, columns] = distances <= radii if inclusive else distances < radii
        around[block.part] = inside.sum(axis=1)
        held |= inside.any(axis=0)
    return around, held
