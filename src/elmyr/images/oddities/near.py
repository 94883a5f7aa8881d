"""Images that are nearly the same: compressed, enlarged, brightened or noised copies, by their means over squares.

Two are nearly the same where their means correlate at 0.998 or more, whatever their brightness and contrast. Candidates
come from a search tree over a few principal components: a projection brings images nearer and never apart, so that no
pair is missed by it but where an image has more than a handful of candidates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.998  # correlation
LEAST_CONTRAST = 2.0  # standard deviation in gray levels, below which an image is blank
COMPONENTS = 12
CANDIDATES = 6  # nearest ones in the projection
FITTED = 5000  # images that the components are made of

Rows = NDArray[np.float32]
Places = NDArray[np.int64]


class NearPairs(NamedTuple):
    """Places of pairs that are nearly the same `(P,)` each, the first before the second, and their correlations."""

    first: Places
    second: Places
    likeness: Rows


def near_pairs(means: NDArray[np.float16]) -> NearPairs:
    """The pairs among images of given means `(N, D)`, the most alike first."""
    rows, places = _standardized(means)
    if len(rows) < 2:
        return _ordered(places[:0], places[:0], np.empty(0, np.float32))
    near, of = _candidates(rows, rows)
    first, second = np.minimum(near, of), np.maximum(near, of)
    kept = np.unique(np.stack([first, second])[:, first < second], axis=1)
    return _alike(rows, rows, places, places, kept[0], kept[1])


def near_others(means: NDArray[np.float16], others: NDArray[np.float16]) -> NearPairs:
    """For each image that nearly is one of others `(M, D)`: the place of that one first, then its own."""
    (rows, places), (known, known_places) = _standardized(means), _standardized(others)
    if not len(rows) or not len(known) or rows.shape[1] != known.shape[1]:
        return _ordered(places[:0], places[:0], np.empty(0, np.float32))
    near, of = _candidates(known, rows)
    found = _alike(known, rows, known_places, places, near, of)
    _, best = np.unique(found.second, return_index=True)
    return _ordered(found.first[best], found.second[best], found.likeness[best])


def _standardized(means: NDArray[np.float16]) -> tuple[Rows, Places]:
    """Rows of mean 0 and length 1, whose products are correlations, without the blank ones; and their places."""
    rows = means.astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1)
    places = np.flatnonzero(lengths >= LEAST_CONTRAST * np.sqrt(rows.shape[1]))
    return rows[places] / lengths[places, None], places


def _candidates(known: Rows, rows: Rows) -> tuple[Places, Places]:
    """Places of known rows that may be alike, and the places of the rows that they may be like."""
    from scipy.spatial import cKDTree  # a prediction does not wait for it

    fitted = known[:: -(-len(known) // FITTED)].astype(np.float64)
    _, directions = np.linalg.eigh(fitted.T @ fitted)
    directions = directions[:, -COMPONENTS:].astype(np.float32)
    reach = float(np.sqrt(2 * (1 - ALIKE))) * (1 + 1e-5)
    count = min(CANDIDATES, len(known))
    _, near = cKDTree(known @ directions).query(rows @ directions, range(1, count + 1), distance_upper_bound=reach)
    of, column = np.nonzero(near < len(known))
    return near[of, column].astype(np.int64), of.astype(np.int64)


def _alike(known: Rows, rows: Rows, known_places: Places, places: Places, near: Places, of: Places) -> NearPairs:
    likeness = np.einsum("ij,ij->i", known[near], rows[of])
    kept = likeness >= ALIKE
    return _ordered(known_places[near[kept]], places[of[kept]], likeness[kept])


def _ordered(first: Places, second: Places, likeness: Rows) -> NearPairs:
    order = np.lexsort((second, first, -likeness))
    return NearPairs(first[order], second[order], likeness[order])
