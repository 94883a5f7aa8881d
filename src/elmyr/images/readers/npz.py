"""An image set in one `.npz` file: the keys `images`, and optionally `labels` and `classes`."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError
from elmyr.images.imageset import ImageSet

KEYS = ("images", "labels", "classes")
MEND = "write it again with numpy.savez(path, images=..., labels=..., classes=...)"
DAMAGE = (  # what numpy and zipfile raise for files that are not what they claim to be
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OverflowError,
    BadZipFile,
    zlib.error,
    struct.error,
)


def read_npz(path: Path) -> tuple[ImageSet, None]:
    """Images uint8 (N, H, W, C) or (N, H, W), integer labels (N,) from 0 on, and the names of the classes."""
    arrays = _arrays(path)
    if "images" not in arrays:
        raise InputError(f"'{path}' has no key 'images': {MEND}")
    images = arrays["images"]
    if images.ndim == 3:
        images = images[..., None]
    if images.size == 0:
        raise InputError(f"'{path}' holds no images: {MEND}")
    try:
        labels, classes = _labels(arrays.get("labels")), _classes(arrays.get("classes"))
        return ImageSet(images, labels, classes, path.stem), None
    except InputError as error:
        raise InputError(f"'{path}': {error}") from None


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise InputError(f"'{path}' is a single array, not an .npz file: {MEND}")
            with loaded:
                return {key: loaded[key] for key in KEYS if key in loaded}
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"'{path}' cannot be read ({' '.join(str(error).split())}): {MEND}") from None


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
