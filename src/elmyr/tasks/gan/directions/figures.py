"""The figures of an image that a direction may change. A new one is a line in the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.images.dataset.imageset import Pixels
from elmyr.metrics import slant, stroke_thickness

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ImageFigure:
    """A figure of each image: images uint8 (N, H, W, C) -> float64 (N,), NaN where an image has none.

    channels: of the images that it is for, None for any. kin: the figures that change with it by their nature, as more
    ink is both thicker and brighter; all others are held while this one is changed.
    """

    about: str
    of: Callable[[Pixels], Values]
    channels: int | None = None
    kin: tuple[str, ...] = ()


def _scaled(images: Pixels) -> Values:
    return np.asarray(images[:], np.float64) / 255


IMAGE_FIGURES: dict[str, ImageFigure] = {
    "thickness": ImageFigure(
        "thickness of the strokes in pixels, of light ink on dark ground",
        lambda images: stroke_thickness(_scaled(images)[..., 0]),
        channels=1,
        kin=("brightness", "contrast"),
    ),
    "slant": ImageFigure(
        "columns that strokes lean to the right for each row up",
        lambda images: slant(_scaled(images)[..., 0]),
        channels=1,
    ),
    "brightness": ImageFigure(
        "mean of the pixels, from 0 to 1",
        lambda images: _scaled(images).mean((1, 2, 3)),
        kin=("thickness", "contrast"),
    ),
    "contrast": ImageFigure(
        "standard deviation of the pixels, from 0 to 1",
        lambda images: _scaled(images).std((1, 2, 3)),
        kin=("thickness", "brightness"),
    ),
    "saturation": ImageFigure(
        "mean difference of a pixel's largest and smallest channel, from 0 to 1",
        lambda images: np.ptp(_scaled(images)[..., :3], axis=3).mean((1, 2)),
        channels=3,
    ),
}


def figures_for(channels: int) -> list[str]:
    """The names of the figures that images of so many channels have."""
    return [name for name, figure in IMAGE_FIGURES.items() if figure.channels in (None, channels)]
