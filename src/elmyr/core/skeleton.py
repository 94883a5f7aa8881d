"""The skeleton of strokes: lines one pixel wide in their middle, by the thinning of Zhang and Suen 1984.

With the condition of Lü and Wang 1986, which spares the ends of diagonal lines: a pixel of two neighbors stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 1000  # images that are thinned together: they stay in the processor's cache
NEIGHBORS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # the paper's P2 to P9, clockwise


def _deletable(first: bool) -> NDArray[np.bool_]:
    """For each of the 256 patterns of neighbors, whether the pixel in their middle goes in this half of a pass."""
    table = np.zeros(256, np.bool_)
    for pattern in range(256):
        ring = [pattern >> place & 1 for place in range(8)]
        begun = sum(one == 0 and other == 1 for one, other in zip(ring, ring[1:] + ring[:1], strict=True))
        north, east, south, west = ring[0], ring[2], ring[4], ring[6]
        open_side = (
            not (north and east and south) and not (east and south and west)
            if first
            else not (north and east and west) and not (north and south and west)
        )
        table[pattern] = 3 <= sum(ring) <= 6 and begun == 1 and open_side
    return table


_TABLES = (_deletable(True), _deletable(False))


def skeletons(strokes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Strokes bool (N, H, W), true where there is ink -> their skeletons bool (N, H, W).

    What hangs together still does, ends stay, and a stroke of one pixel's width stays as it is.
    """
    thinned = np.pad(strokes, ((0, 0), (1, 1), (1, 1)))
    for start in range(0, len(thinned), AT_ONCE):
        _thin(thinned[start : start + AT_ONCE])
    return thinned[:, 1:-1, 1:-1]


def _thin(padded: NDArray[np.bool_]) -> None:
    """Thins images with an empty border in place, those that still change alone."""
    at_work = np.arange(len(padded))
    while len(at_work):
        part = padded[at_work]
        before = part.sum((1, 2))
        for table in _TABLES:
            part[:, 1:-1, 1:-1] &= ~table[_patterns(part)]
        padded[at_work] = part
        at_work = at_work[part.sum((1, 2)) < before]


def _patterns(padded: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The eight neighbors of each pixel inside the border as the bits of one number."""
    height, width = padded.shape[1] - 2, padded.shape[2] - 2
    bits = padded.view(np.uint8)
    patterns = np.zeros((len(padded), height, width), np.uint8)
    for place, (down, right) in enumerate(NEIGHBORS):
        patterns |= bits[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width] << place
    return patterns
