"""The image set: images, labels and the names of the classes, checked once where they enter the library."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError
from elmyr.images.stored import StoredPixels

Pixels = NDArray[np.uint8] | StoredPixels

CHANNELS = (1, 3)
LONGEST_NAME = 1000  # characters of a class's name
DIGESTED = 1000  # images at a time
MOST_CLASSES = 100_000  # a label beyond is an identifier, not a class


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images uint8 (N, H, W, C), gray or RGB; labels int64 (N,) or None; the names of the classes; a name.

    The images of a set larger than memory stay on the disk: take or index a part before computing. A label is the
    position of its class in `classes`; where labels come without names, the classes are named "0" to the largest
    label. Raises InputError for anything else.
    """

    images: Pixels
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...] = ()
    name: str = "images"

    def __post_init__(self) -> None:
        _check_images(self.images)
        if self.labels is None:
            if self.classes:
                raise InputError(f"there are {len(self.classes)} class names but no labels: give both or neither")
            return
        _check_labels(self.labels, len(self.images))
        if not self.classes and len(self.labels):
            object.__setattr__(self, "classes", tuple(map(str, range(int(self.labels.max()) + 1))))
        _check_classes(self.classes, self.labels)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def height(self) -> int:
        """The height of every image in pixels."""
        return int(self.images.shape[1])

    @property
    def width(self) -> int:
        """The width of every image in pixels."""
        return int(self.images.shape[2])

    @property
    def channels(self) -> int:
        """1 for gray, 3 for RGB."""
        return int(self.images.shape[3])

    def take(self, indices: Sequence[int] | NDArray[np.integer]) -> ImageSet:
        """The images at these positions, in this order, with the same classes and name."""
        places = np.asarray(indices)
        if not places.size:
            places = places.astype(np.int64)  # an empty list comes as floats
        labels = None if self.labels is None else self.labels[places]
        images = self.images.take(places) if isinstance(self.images, StoredPixels) else self.images[places]
        return ImageSet(images, labels, self.classes, self.name)

    def in_memory(self) -> NDArray[np.uint8]:
        """All images as one array."""
        return np.asarray(self.images)

    def digest(self) -> str:
        """The sha256 in hex of shapes, pixels, labels and class names, whatever the set itself is named."""
        form = [self.images.shape, self.labels is not None, self.classes]
        digest = hashlib.sha256(json.dumps(form).encode())
        for start in range(0, len(self), DIGESTED):
            digest.update(np.ascontiguousarray(self.images[start : start + DIGESTED]).data)
        if self.labels is not None:
            digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        return digest.hexdigest()

    def require_labels(self) -> NDArray[np.int64]:
        """The labels int64 (N,); InputError if there are none."""
        if self.labels is None:
            raise InputError(
                f"the image set '{self.name}' has no labels: sort its images into a folder for each class, "
                "or add the key 'labels' to its .npz file"
            )
        return self.labels


def _check_images(images: Pixels) -> None:
    if images.dtype != np.uint8:
        raise InputError(f"the images are {images.dtype}, not uint8: scale them to 0..255 and convert them")
    if images.ndim != 4 or images.shape[3] not in CHANNELS or 0 in images.shape[1:]:
        raise InputError(
            f"the images have the shape {images.shape}, not (N, H, W, C) with C 1 (gray) or 3 (RGB): reshape them"
        )


def _check_labels(labels: NDArray[np.int64], count: int) -> None:
    if labels.dtype != np.int64:
        raise InputError(f"the labels are {labels.dtype}, not int64: convert them")
    if labels.shape != (count,):
        raise InputError(f"{count} images have labels of the shape {labels.shape}: give one label an image")
    if count and not 0 <= labels.min() <= labels.max() < MOST_CLASSES:
        raise InputError(f"the labels go from {labels.min()} to {labels.max()}: number the classes from 0 on")


def _check_classes(classes: tuple[str, ...], labels: NDArray[np.int64]) -> None:
    if len(labels) and labels.max() >= len(classes):
        raise InputError(f"the label {labels.max()} has no name among {len(classes)} classes: name them all")
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise InputError(f"two classes are named '{twice}': give each its own name")
    unusable = next((name for name in classes if not name or "\0" in name or len(name) > LONGEST_NAME), None)
    if unusable is not None:
        raise InputError(f"a class is named {unusable[:40]!r}: give it a name of 1 to {LONGEST_NAME} characters")
