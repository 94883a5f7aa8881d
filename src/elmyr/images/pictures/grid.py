"""Pictures of many images at once, for people to look at."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.storage.atomic import writing

MID_GRAY = 128
LEAST_WIDTH = 480  # pixels of a picture that people look at


def image_grid(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Images uint8 (N, H, W, C) row by row in one picture uint8 (H', W', C), always `columns` wide.

    A mid-gray line of one pixel stands between neighbors; cells without an image are mid-gray too.
    """
    if not len(images) or columns < 1:
        raise InputError(f"{len(images)} images in {columns} columns make no picture: give at least one of each")
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    cells = np.full((rows * columns, height + 1, width + 1, channels), MID_GRAY, np.uint8)
    cells[:count, :height, :width] = images
    picture = cells.reshape(rows, columns, height + 1, width + 1, channels).swapaxes(1, 2)
    picture = picture.reshape(rows * (height + 1), columns * (width + 1), channels)
    return np.ascontiguousarray(picture[:-1, :-1])


def class_rows(image_set: ImageSet, per_class: int) -> NDArray[np.uint8]:
    """A grid with a row for each class, in the order of `classes`: its first `per_class` images."""
    labels = image_set.require_labels()
    if per_class < 1:
        raise InputError(f"a row of {per_class} images shows nothing: ask for at least 1")
    cells = np.full((len(image_set.classes), per_class, *image_set.images.shape[1:]), MID_GRAY, dtype=np.uint8)
    for label, row in enumerate(cells):
        first = np.flatnonzero(labels == label)[:per_class]
        row[: len(first)] = image_set.images[first]
    return image_grid(cells.reshape(-1, *image_set.images.shape[1:]), per_class)


def save_png(picture: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Writes a picture uint8 (H, W, C), gray or RGB, as PNG for people: `enlarged`, so that it is 480 pixels wide.

    Whole or not at all; raises InputError where it cannot be written.
    """
    with writing(path) as file:
        as_picture(enlarged(picture)).save(file, format="PNG")


def enlarged(picture: NDArray[np.uint8], least: int = LEAST_WIDTH) -> NDArray[np.uint8]:
    """A picture uint8 (H, W, C), each pixel as k x k of them: the smallest k that makes it `least` pixels wide."""
    scale = max(1, -(-least // picture.shape[1]))
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def as_picture(array: NDArray[np.uint8]) -> Image.Image:
    """An array uint8 (H, W, C), gray or RGB, as Pillow has it."""
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)
