"""Squared distances of rows to others: at the speed of a matrix product, and exact where that decides something.

|a|² + |b|² − 2ab is fast and rounds; the sum of squared differences is slow, and to it equal rows are at 0 and ties are
ties. A figure looks at the first with its bound, and asks for the second wherever the bound leaves its answer open.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
Places = NDArray[np.int64]

BLOCK = 4_000_000  # distances held at a time: 32 MB of float64


class Block(NamedTuple):
    """Some rows `part` against all others: squared distances `(P, M)`, and how far each may be off `(P, M)`."""

    part: slice
    squared: Rows
    error: Rows


def blocks_of(a: Rows, b: Rows) -> Iterator[Block]:
    """The squared distances of rows of `a` `(N, D)` to all of `b` `(M, D)`, some rows at a time."""
    center = b.mean(axis=0)
    near_a, near_b = a - center, b - center
    norms_a, norms_b = (near_a**2).sum(axis=1), (near_b**2).sum(axis=1)
    rounding = 8 * (a.shape[1] + 4) * np.finfo(np.float64).eps  # of both forms and of taking the center off
    height = max(1, BLOCK // len(b))
    for start in range(0, len(a), height):
        part = slice(start, min(start + height, len(a)))
        reach = norms_a[part, None] + norms_b
        yield Block(part, reach - 2 * near_a[part] @ near_b.T, rounding * reach)


def exact(a: Rows, b: Rows, rows: Places, columns: Places) -> Rows:
    """The squared distances of pairs of rows, a[rows] and b[columns], from their differences."""
    distances = np.empty(len(rows))
    height = max(1, BLOCK // a.shape[1])
    for start in range(0, len(rows), height):
        part = slice(start, start + height)
        distances[part] = ((a[rows[part]] - b[columns[part]]) ** 2).sum(axis=1)
    return distances
