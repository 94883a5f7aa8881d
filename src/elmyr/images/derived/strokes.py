"""Strokes made thicker, thinner or slanted: gray images of light ink on dark ground.

After Morpho-MNIST (Castro et al. 2019), in gray and at the images' own size: a pixel that is half covered counts half.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elmyr.core.skeleton import skeletons
from elmyr.images.dataset.imageset import Pixels

AT_ONCE = 1000
INK = 128  # from which on a pixel is ink to the skeleton
SLANT = 0.5  # columns for each row up
LARGE_SIDE = 24  # pixels, from which on a stroke grows by a whole pixel on each side; by less below
CORNER = 0.55  # of a pixel that a disc of radius 1 about its neighbor across the corner covers
SOFT = 0.35  # of the ink, beside the line that is kept of a stroke


def thickened(images: Pixels) -> Pixels:
    """Every stroke about a pixel wider on each side."""
    return _in_parts(images, lambda part: _largest_around(part, _step(part)))


def thinned(images: Pixels) -> Pixels:
    """Every stroke about a pixel narrower on each side; its middle is kept, so that none breaks."""
    return _in_parts(images, _thinned)


def slanted(images: Pixels) -> Pixels:
    """Every image sheared about its middle row, so that it leans to the right."""
    return _in_parts(images, _slanted)


def _thinned(part: NDArray[np.float32]) -> NDArray[np.float32]:
    ground = np.float32(255)
    inner = ground - _largest_around(ground - part, _step(part))
    line = skeletons(part >= INK).astype(np.float32) * part
    drawn = np.minimum(_largest_around(line, SOFT), part)
    thin: NDArray[np.float32] = np.maximum(inner, np.maximum(line, drawn))
    return thin


def _step(part: NDArray[np.float32]) -> float:
    """By how many pixels strokes grow or shrink on each side."""
    return float(min(1.0, min(part.shape[1:]) / LARGE_SIDE))


def _largest_around(part: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The largest of each pixel and a share of its neighbors; of those across a corner less."""
    padded = np.pad(part, ((0, 0), (1, 1), (1, 1)), mode="edge")
    height, width = part.shape[1:]
    largest = part.copy()
    for down in (0, 1, 2):
        for right in (0, 1, 2):
            weight = 1.0 if down == right == 1 else share if 1 in (down, right) else share * CORNER
            moved = padded[:, down : down + height, right : right + width]
            np.maximum(largest, np.float32(weight) * moved, out=largest)
    return largest


def _slanted(part: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = part.shape[1:]
    padded = np.pad(part, ((0, 0), (0, 0), (1, 1)))
    made = np.empty_like(part)
    for row in range(height):
        come_from = np.arange(width) - SLANT * ((height - 1) / 2 - row)
        left = np.floor(come_from).astype(int)
        share = (come_from - left).astype(np.float32)
        at = [padded[:, row, np.clip(place + 1, 0, width + 1)] for place in (left, left + 1)]
        made[:, row] = (1 - share) * at[0] + share * at[1]
    return made


def _in_parts(images: Pixels, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Pixels:
    """Gray images uint8 (N, H, W, 1), changed some at a time."""
    made = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), AT_ONCE):
        part = np.asarray(images[start : start + AT_ONCE])[..., 0].astype(np.float32)
        made[start : start + AT_ONCE, ..., 0] = np.clip(np.rint(change(part)), 0, 255)
    return made
