"""Precision and recall: how many generated images lie among real ones, and how many real ones are reached.

Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for Assessing Generative Models".
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.errors import InputError
from elmyr.metrics.features import feature_pair

BLOCK = 4_000_000  # distances held at a time: 32 MB of float64

Rows = NDArray[np.float64]


def precision_recall(real: ArrayLike, generated: ArrayLike, k: int = 3) -> tuple[float, float]:
    """The improved precision and recall of features `(N, D)` and `(M, D)`: shares in [0, 1]; 1 is the best.

    A set's manifold is a ball around each of its rows that reaches to the row's k-th nearest other row.
    Precision is the share of generated rows inside the real manifold, recall that of real rows inside the
    generated one. A row on a ball's boundary is inside (distance <= radius), so a copy of a row lies in its
    ball even where the radius is 0. The result is that of distances computed from the differences, ties
    included, in whatever order the rows come. Raises InputError for k < 1, k rows or fewer, different D, or
    values that are not finite.
    """
    if k < 1:
        raise InputError(f"k is {k}: the radius reaches to the k-th nearest neighbor, so give 1 or more")
    a, b = feature_pair(real, generated, least=k + 1)
    return _share_inside(b, a, _squared_radii(a, k)), _share_inside(a, b, _squared_radii(b, k))


def _squared_radii(rows: Rows, k: int) -> Rows:
    radii = np.empty(len(rows))
    for part, squared, error in _squared_distances(rows, rows):
        squared[np.arange(len(squared)), np.arange(len(rows))[part]] = np.inf  # a row is not its own neighbor
        kth = np.partition(squared, k - 1, axis=1)[:, k - 1 : k]
        _make_exact(squared, squared <= kth + 2 * error, rows[part], rows)
        radii[part] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return radii


def _share_inside(points: Rows, centers: Rows, squared_radii: Rows) -> float:
    inside = 0
    for part, squared, error in _squared_distances(points, centers):
        settled = np.any(squared <= squared_radii - error, axis=1)
        _make_exact(squared, ~settled[:, None] & (abs(squared - squared_radii) <= error), points[part], centers)
        inside += int((settled | np.any(squared <= squared_radii, axis=1)).sum())
    return inside / len(points)


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
