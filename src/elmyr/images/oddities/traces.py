"""What is kept of an image to compare it with others: its means over 16x16 squares, and how fine its edges are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.images.dataset.sizes import LARGEST_UNASKED
from elmyr.images.pictures.grid import as_picture

SIDE = 16  # squares a side
AT_ONCE = 500  # images of one shape
LEAST_GRADIENT = 0.5  # gray levels a pixel, below which an image has no edges that could be sharp

Images = NDArray[np.uint8]


class Traces(NamedTuple):
    """Of N images: means over squares `(N, D)` in gray levels, D the same for all; and fineness `(N,)`.

    Fineness is the second differences of an image over its first, both as root mean squares: blurring lowers it,
    contrast and brightness leave it; NaN where an image has no edges.
    """

    means: NDArray[np.float16]
    fineness: NDArray[np.float64]


class Tracer:
    """Takes images one at a time, of any size, and keeps their traces."""

    def __init__(self) -> None:
        self._waiting: list[Images] = []
        self._means: list[NDArray[np.float16]] = []  # (N, C, 16, 16)
        self._fineness: list[NDArray[np.float64]] = []

    def add(self, image: Images) -> None:
        """One more image uint8 (H, W, C), gray or RGB."""
        small = _small(image)
        if self._waiting and (len(self._waiting) == AT_ONCE or self._waiting[0].shape != small.shape):
            self._look()
        self._waiting.append(small)

    def taken(self) -> Traces:
        """Those of all images so far, in their order; gray ones as RGB where there are others."""
        if self._waiting:
            self._look()
        channels = max((means.shape[1] for means in self._means), default=1)
        means = [means.repeat(channels // means.shape[1], axis=1) for means in self._means]
        rows = np.concatenate([np.empty((0, channels, SIDE, SIDE), np.float16), *means])
        return Traces(rows.reshape(len(rows), channels * SIDE**2), np.concatenate([np.empty(0), *self._fineness]))

    def _look(self) -> None:
        images = np.stack(self._waiting).transpose(0, 3, 1, 2).astype(np.float32)
        self._waiting = []
        down, across = (_squares(side) for side in images.shape[2:])
        self._means.append((down @ images @ across.T).astype(np.float16))
        self._fineness.append(_fineness(images.mean(axis=1)))


def _small(image: Images) -> Images:
    """At most as large as a training would take it."""
    height, width = image.shape[:2]
    shrunk = LARGEST_UNASKED / max(height, width)
    if shrunk >= 1:
        return image
    size = max(1, round(width * shrunk)), max(1, round(height * shrunk))
    small = np.asarray(as_picture(np.ascontiguousarray(image)).resize(size, Image.Resampling.BOX))
    return small.reshape(*small.shape[:2], -1)


def _squares(side: int) -> NDArray[np.float32]:
    """The weights `(16, side)` of the pixels of a row in the means over its sixteen parts of equal length."""
    edges = np.linspace(0, side, SIDE + 1)
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(overlap, 0, None) * SIDE / side, np.float32)


def _fineness(gray: NDArray[np.float32]) -> NDArray[np.float64]:
    if min(gray.shape[1:]) < 3:
        return np.full(len(gray), np.nan)
    middle = gray[:, 1:-1, 1:-1]
    second = 4 * middle - gray[:, :-2, 1:-1] - gray[:, 2:, 1:-1] - gray[:, 1:-1, :-2] - gray[:, 1:-1, 2:]
    first = np.diff(gray, axis=1)[:, :, :-1] ** 2 + np.diff(gray, axis=2)[:, :-1] ** 2
    steep, bent = (np.sqrt(squared.mean(axis=(1, 2), dtype=np.float64)) for squared in (first, second**2))
    fineness = np.full(len(gray), np.nan)
    np.divide(bent, steep, out=fineness, where=steep >= LEAST_GRADIENT)
    return fineness
