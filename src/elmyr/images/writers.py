"""Image sets as files: `.npz` for programs, `.png` for people. A new kind is a function and a line."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from elmyr.errors import InputError
from elmyr.images.atomic import unwritable, writing
from elmyr.images.grid import image_grid, save_png
from elmyr.images.imageset import ImageSet


def save_npz(image_set: ImageSet, path: str | os.PathLike[str]) -> None:
    """Writes the keys `images` uint8 (N, H, W, C), `labels` int64 (N,) where there are any, and `classes`.

    Whole or not at all; raises InputError where it cannot be written.
    """
    arrays: dict[str, Any] = {"images": image_set.images, "classes": np.array(image_set.classes, np.str_)}
    if image_set.labels is not None:
        arrays["labels"] = image_set.labels
    with writing(path) as file:
        np.savez(file, **arrays)


def save_square(image_set: ImageSet, path: str | os.PathLike[str]) -> None:
    """Writes all images as one PNG, as nearly as many rows as columns; raises InputError as `save_npz`."""
    save_png(image_grid(image_set.images, columns=max(1, math.ceil(math.sqrt(len(image_set))))), path)


WRITERS: dict[str, Callable[[ImageSet, str | os.PathLike[str]], None]] = {
    ".npz": save_npz,
    ".png": save_square,
}


def save_images(image_set: ImageSet, path: str | os.PathLike[str]) -> None:
    """Writes an image set as its suffix says: `.npz`, or `.png` for a picture of all images.

    Whole or not at all; raises InputError for another suffix and where it cannot be written.
    """
    _writer(path)(image_set, path)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises InputError, before work starts, where `save_images` could not write; leaves nothing behind."""
    _writer(path)
    path = Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise unwritable(path, error) from None


def _writer(path: str | os.PathLike[str]) -> Callable[[ImageSet, str | os.PathLike[str]], None]:
    suffix = Path(path).suffix.lower()
    if suffix not in WRITERS:
        raise InputError(f"cannot write images as '{os.fspath(path)}': give it the suffix {' or '.join(WRITERS)}")
    return WRITERS[suffix]
