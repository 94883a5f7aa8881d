"""The ground that images show something on: where it is light and was dark in training, little is recognized."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.images import ImageSet, Pixels

DARK, LIGHT = 48, 207  # levels: a ground between them is neither, as that of most photos
MIDDLE = 128
LOOKED_AT = 1000  # images, spread over all


def ground_of(images: ImageSet) -> float:
    """The mean level of the outermost pixels of these images, from 0 to 255."""
    places = np.linspace(0, len(images) - 1, min(len(images), LOOKED_AT)).astype(np.int64)
    return float(_edges(np.asarray(images.take(places).images)).mean())


def are_opposite(ground: float | None, images: Pixels | NDArray[Any]) -> NDArray[np.bool_]:
    """Which images uint8 (N, H, W, C) are light at their edges where `ground` is dark, or the reverse, bool (N,).

    None of them where the ground is neither, or not known (None).
    """
    edges = _edges(np.asarray(images))
    if ground is None or DARK <= ground <= LIGHT:
        return np.zeros(len(edges), np.bool_)
    return (
        (edges > MIDDLE) & (edges - ground > MIDDLE) if ground < DARK else (edges < MIDDLE) & (ground - edges > MIDDLE)
    )


def on_ground(ground: float | None, characters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Characters, light on dark, as the training images have them: dark on light where their ground is light."""
    return 255 - characters if ground is not None and ground > LIGHT else characters


def told_of_opposite(count: int, total: int, ground: float | None) -> str:
    """What to do about so many images on the opposite ground."""
    theirs, ours = ("light", "dark") if ground is not None and ground < DARK else ("dark", "light")
    return (
        f"{count:,} of {total:,} images {'is' if count == 1 else 'are'} {theirs} at the edges, the training images are "
        f"{ours} there: predictions are hardly right. For a character on paper take --prepare digit "
        "(in Python prepare='digit'), else invert the images (255 - pixels)"
    )


def _edges(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean level of the outermost pixels of each image, float64 (N,)."""
    flat = images.reshape(len(images), *images.shape[1:3], -1)
    strips = (flat[:, 0], flat[:, -1], flat[:, :, 0], flat[:, :, -1])
    means: NDArray[np.float64] = np.concatenate(strips, axis=1).mean(axis=(1, 2), dtype=np.float64)
    return means
