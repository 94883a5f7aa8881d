"""How strokes are: their thickness and their slant, of light ink on dark ground."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.skeleton import skeletons
from elmyr.metrics.arrays import numbers

HALF = 0.5  # of the brightest pixel, from which on a pixel is ink to the skeleton


def stroke_thickness(images: Any) -> NDArray[np.float64]:
    """Images (N, H, W), 0 for ground and more for ink -> the thickness of their strokes in pixels (N,).

    The area of the ink over the length of its skeleton. A pixel counts by its share of the brightest one; the length
    is counted in steps from pixel to pixel, sqrt(2) for a diagonal one, and one for the ends. NaN without ink.
    Raises InputError for other shapes, NaN, infinity or values below 0.
    """
    images = _ink(images)
    brightest = images.max((1, 2))
    shares = images / np.where(brightest > 0, brightest, 1)[:, None, None]
    length = skeleton_length(skeletons(shares >= HALF))
    return np.where(brightest > 0, shares.sum((1, 2)) / np.maximum(length, 1), np.nan)


def skeleton_length(lines: Any) -> NDArray[np.float64]:
    """Lines of one pixel's width, bool (N, H, W) -> their length in pixels (N,): the steps, and one for the ends.

    A diagonal step counts where no straight ones lead around its corner.
    """
    lines = _ink(lines) > 0
    across = (lines[:, :, :-1] & lines[:, :, 1:]).sum((1, 2))
    down = (lines[:, :-1] & lines[:, 1:]).sum((1, 2))
    top_left, top_right = lines[:, :-1, :-1], lines[:, :-1, 1:]
    bottom_left, bottom_right = lines[:, 1:, :-1], lines[:, 1:, 1:]
    falling = top_left & bottom_right & ~top_right & ~bottom_left
    rising = top_right & bottom_left & ~top_left & ~bottom_right
    steps = across + down + np.sqrt(2) * (falling.sum((1, 2)) + rising.sum((1, 2)))
    return np.asarray(steps + lines.any((1, 2)))


def slant(images: Any) -> NDArray[np.float64]:
    """Images (N, H, W), 0 for ground and more for ink -> by how many columns they lean right for each row up (N,).

    The covariance of the ink's columns and rows over the variance of its rows; NaN where all ink is in one row.
    Raises InputError as `stroke_thickness`.
    """
    images = _ink(images)
    mass = np.maximum(images.sum((1, 2)), np.finfo(float).tiny)
    rows, columns = np.arange(images.shape[1], dtype=float), np.arange(images.shape[2], dtype=float)
    by_row, by_column = images.sum(2), images.sum(1)
    row = (by_row @ rows) / mass
    column = (by_column @ columns) / mass
    variance = (by_row @ rows**2) / mass - row**2
    together = np.einsum("nhw,h,w->n", images, rows, columns, optimize=True) / mass - row * column
    return np.where(variance > 1e-9, -together / np.where(variance > 1e-9, variance, 1), np.nan)


def _ink(images: Any) -> NDArray[np.float64]:
    """In float64, each image brought below 1 by a power of two: neither figure depends on the unit."""
    values = numbers(images, "images")
    if values.ndim != 3 or not all(values.shape[1:]) or (values < 0).any():
        raise InputError(f"the images have the shape {values.shape}: give (N, H, W), 0 for ground and more for ink")
    return np.asarray(np.ldexp(values, -np.frexp(values.max((1, 2)))[1][:, None, None]))
