"""The figures of an image that a direction may change. A new one is a line in the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.plugins import at_work
from elmyr.core.tables import Table
from elmyr.images.dataset.imageset import Pixels
from elmyr.metrics import slant, stroke_thickness

LINES = ("pca", "sefa", "value")  # the ways that are not figures
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


def _accepted(part: Any) -> ImageFigure:
    if isinstance(part, ImageFigure):
        return part
    if callable(part):
        return ImageFigure(str(part.__doc__ or "").partition("\n")[0], part)
    raise InputError("a figure of an image is a function of images uint8 (N, H, W, C), or an ImageFigure")


OF_ELMYR = {
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


IMAGE_FIGURES: Table[ImageFigure] = Table("figure of an image", OF_ELMYR, accept=_accepted, reserved=LINES)


def values_of(figures: Sequence[str], images: Pixels) -> Values:
    """The figures of images uint8 (N, H, W, C): (N, figures); InputError where one of a user's own gives others."""
    columns = []
    for name in figures:
        with at_work("image figure", name):
            column = np.asarray(IMAGE_FIGURES[name].of(images), np.float64)
        if column.shape != (len(images),):
            raise InputError(
                f"the figure '{name}' gives {column.shape} for {len(images)} images: give a number for each"
            )
        columns.append(column)
    return np.stack(columns, 1)


def figures_for(channels: int) -> list[str]:
    """The names of the figures that images of so many channels have."""
    return [name for name, figure in IMAGE_FIGURES.items() if figure.channels in (None, channels)]
