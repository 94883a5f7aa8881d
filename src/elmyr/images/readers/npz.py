"""An image set in one `.npz` file, with labels and the names of the classes, or in one `.npy` file, without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.arrays import DAMAGE, read_arrays
from elmyr.errors import InputError
from elmyr.images.encoded import one_line, shown
from elmyr.images.imageset import ImageSet, Pixels
from elmyr.images.stored import StoredPixels, open_pixels

KEYS = ("images", "labels", "classes")
MEND = "write it again with numpy.savez(path, images=..., labels=..., classes=...)"


def read_npz(path: Path) -> tuple[ImageSet, None]:
    """Images uint8 (N, H, W, C) or (N, H, W), integer labels (N,) from 0 on, and the names of the classes."""
    arrays = read_arrays(path, KEYS, mend=MEND)
    if "images" not in arrays:
        raise InputError(f"'{path}' has no key 'images': {MEND}")
    try:
        labels, classes = _labels(arrays.get("labels")), _classes(arrays.get("classes"))
        return ImageSet(_images(arrays["images"]), labels, classes, path.stem), None
    except InputError as error:
        raise InputError(f"'{path}': {one_line(str(error))}") from None


def read_npy(path: Path) -> tuple[ImageSet, None]:
    """Images uint8 (N, H, W, C) or (N, H, W), without labels; those of a large file stay on the disk."""
    try:
        images = open_pixels(path)
    except DAMAGE as error:
        raise InputError(f"'{path}' cannot be read ({shown(str(error))}): write it with numpy.save") from None
    try:
        return ImageSet(_images(images), None, (), path.stem), None
    except InputError as error:
        raise InputError(f"'{path}': {error}") from None


def _images(images: Pixels) -> Pixels:
    if images.size == 0:
        raise InputError(f"it holds no images: {MEND}")
    if isinstance(images, StoredPixels):
        return images
    return images[..., None] if images.ndim == 3 else images


def _labels(labels: NDArray[Any] | None) -> NDArray[np.int64] | None:
    if labels is None:
        return None
    if labels.dtype.kind not in "iu":
        raise InputError(f"the labels are {labels.dtype}, not integers: number the classes from 0 on")
    return labels.astype(np.int64)


def _classes(classes: NDArray[Any] | None) -> tuple[str, ...]:
    if classes is None:
        return ()
    if classes.dtype.kind != "U" or classes.ndim != 1:
        raise InputError(f"the classes are {classes.dtype} of the shape {classes.shape}: give a list of names")
    return tuple(map(str, classes))
