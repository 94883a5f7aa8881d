"""The image set: images, labels and the names of the classes, checked once where they enter the library."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError, suggestion
from elmyr.core.notes import note
from elmyr.images.storage.digests import kept_digest
from elmyr.images.storage.stored import StoredPixels

if TYPE_CHECKING:
    from PIL import Image

Pixels = NDArray[np.uint8] | StoredPixels

CHANNELS = (1, 3)
LONGEST_NAME = 1000  # characters of a class's name
DIGESTED = 1000  # images at a time
MOST_CLASSES = 100_000  # a label beyond is an identifier, not a class


@dataclass(frozen=True, eq=False, init=False, repr=False)
class ImageSet:
    """Images uint8 (N, H, W, C), gray or RGB; labels int64 (N,) or None; the names of the classes; a name.

    The images of a set larger than memory stay on the disk: take or index a part before computing. A label is the
    position of its class in `classes`. Labels are given as whole numbers of any type or as names; where the names of
    the classes are not given, the labels' own values name them. Raises InputError for anything else; `ImageSet.of`
    also takes images of other types, ranges and layouts.
    """

    images: Pixels
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    name: str

    def __init__(self, images: Pixels, labels: Any = None, classes: Sequence[str] = (), name: str = "images") -> None:
        _check_images(images)
        classes = tuple(classes)
        if labels is None:
            if classes:
                raise InputError(f"there are {len(classes)} class names but no labels: give both or neither")
        else:
            labels, classes = _numbered(labels, classes, len(images))
        for field, value in (("images", images), ("labels", labels), ("classes", classes), ("name", name)):
            object.__setattr__(self, field, value)

    @classmethod
    def of(cls, data: Any, labels: Any = None, classes: Sequence[str] = (), name: str | None = None) -> ImageSet:
        """Images and labels as people have them in Python: arrays, tensors, lists, data sets of torch.

        Images of floats or of other ranges become bytes, other layouts (N, H, W, C); a note says what was done. Raises
        InputError, with the line that mends it, where that is not plain.
        """
        from elmyr.images.dataset.given import image_set_of  # which makes image sets

        return image_set_of(data, labels, classes=classes, name=name)

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

    @overload
    def __getitem__(self, place: int) -> tuple[NDArray[np.uint8], int | None]: ...

    @overload
    def __getitem__(self, place: slice | Sequence[int] | Sequence[bool] | NDArray[Any]) -> ImageSet: ...

    def __getitem__(self, place: Any) -> Any:
        """One image uint8 (H, W, C) with its label, None without labels; or those of a slice, a mask or of numbers."""
        if isinstance(place, int | np.integer):
            number = range(len(self))[int(place)]
            return np.asarray(self.images[number]), None if self.labels is None else int(self.labels[number])
        if isinstance(place, slice):
            return self.take(np.arange(*place.indices(len(self))))
        places = np.asarray(place)
        if places.dtype == np.bool_:
            if places.shape != (len(self),):
                raise InputError(
                    f"a mask of the shape {places.shape} for {len(self):,} images: give one value per image"
                )
            places = np.flatnonzero(places)
        return self.take(places)

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], int | None]]:
        return (self[number] for number in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The images alone."""
        return np.asarray(self.images, dtype)

    def __add__(self, other: ImageSet) -> ImageSet:
        """These images and then others of the same size, both with labels or both without; classes by their names."""
        if self.images.shape[1:] != other.images.shape[1:] or (self.labels is None) != (other.labels is None):
            raise InputError(f"{self} and {other} cannot be joined: give images of one shape, all or none labeled")
        images = np.concatenate([self.in_memory(), other.in_memory()])
        if self.labels is None or other.labels is None:
            return ImageSet(images, None, name=self.name)
        classes = (*self.classes, *(name for name in other.classes if name not in self.classes))
        places = np.array([classes.index(name) for name in other.classes], np.int64)
        return ImageSet(images, np.concatenate([self.labels, places[other.labels]]), classes, self.name)

    def of_class(self, name: str | int) -> ImageSet:
        """The images of a class, by its name or its number."""
        labels = self.require_labels()
        if name not in self.classes and not (isinstance(name, int) and 0 <= name < len(self.classes)):
            raise InputError(f"'{self.name}' has no class '{name}': {suggestion(str(name), self.classes)}")
        number = self.classes.index(name) if isinstance(name, str) else name
        return self.take(np.flatnonzero(labels == number))

    def sample(self, n: int, seed: int = 0) -> ImageSet:
        """`n` of the images, each at most once, drawn by a seed."""
        if not 0 <= n <= len(self):
            raise InputError(f"{n:,} of {len(self):,} images are asked for: ask for at most as many as there are")
        return self.take(np.random.default_rng(seed).permutation(len(self))[:n])

    def __repr__(self) -> str:
        color = "gray" if self.channels == 1 else "RGB"
        labeled = f"{len(self.classes):,} classes" if self.classes else "without labels"
        return f"ImageSet('{self.name}': {len(self):,} images, {self.height}x{self.width} {color}, {labeled})"

    def _repr_html_(self) -> str:
        """A notebook's view: a picture of some, and how many there are of each class."""
        from elmyr.images.pictures.showing import html_of  # which knows image sets

        return html_of(self)

    def show(self) -> Image.Image:
        """A picture of some of the images, a row for each class where there are labels.

        It is also opened in a window, where there is a screen and no notebook that shows it.
        """
        from elmyr.images.pictures.showing import opened, picture_of

        return opened(picture_of(self))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes `.npz`, `.parquet`, `.tar`, one picture `.png`, or a folder of images where the path has no suffix."""
        from elmyr.images.writers import save_images

        save_images(self, path)

    def in_memory(self) -> NDArray[np.uint8]:
        """All images as one array."""
        return np.asarray(self.images)

    def digest(self) -> str:
        """The sha256 in hex of shapes, pixels, labels and class names, whatever the set itself is named.

        That of images on the disk is kept in the cache, until their file changes.
        """
        labels = b"" if self.labels is None else np.ascontiguousarray(self.labels, dtype="<i8").data
        form = json.dumps([self.images.shape, self.labels is not None, self.classes]).encode()

        def digest() -> str:
            whole = hashlib.sha256(form)
            for start in range(0, len(self), DIGESTED):
                whole.update(np.ascontiguousarray(self.images[start : start + DIGESTED]).data)
            whole.update(labels)
            return whole.hexdigest()

        images = self.images
        if not isinstance(images, StoredPixels):
            return digest()
        about = hashlib.sha256(form + hashlib.sha256(labels).digest()).hexdigest()[:32]
        return kept_digest(lambda: f"{images.stamp()}-{about}", digest)

    def require_labels(self) -> NDArray[np.int64]:
        """The labels int64 (N,); InputError if there are none."""
        if self.labels is None:
            raise InputError(
                f"the image set '{self.name}' has no labels: sort its images into a folder for each class, "
                "or add the key 'labels' to its .npz file"
            )
        return self.labels


def _check_images(images: Pixels) -> None:
    shape = getattr(images, "shape", None)
    if not isinstance(images, np.ndarray | StoredPixels):
        raise InputError(f"the images are of the type {type(images).__name__}: ImageSet.of(images, labels) takes them")
    if images.dtype != np.uint8:
        raise InputError(
            f"the images are {images.dtype}, not uint8: ImageSet.of(images, labels) finds out their range; or scale "
            "them, from 0..1 by np.uint8(255 * images)"
        )
    if images.ndim != 4 or images.shape[3] not in CHANNELS or 0 in images.shape[1:]:
        told = f"the images have the shape {shape}, not (N, H, W, C) with C 1 (gray) or 3 (RGB)"
        raise InputError(f"{told}: {_line_for(images.shape)}")


def _line_for(shape: tuple[int, ...]) -> str:
    """The line of numpy that is likely to mend a shape."""
    if len(shape) == 3:
        return "images[..., None] of gray ones, images[None] of a single one"
    if len(shape) == 4 and shape[1] in CHANNELS:
        return "images.transpose(0, 2, 3, 1)"
    if len(shape) == 4 and shape[3] == CHANNELS[1] + 1:
        return "images[..., :3] leaves the transparency out"
    return "reshape them"


def _numbered(given: Any, classes: tuple[str, ...], count: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels int64 (N,) as positions in the names of the classes."""
    labels = given
    if not classes or not isinstance(labels, np.ndarray) or labels.dtype != np.int64 or labels.ndim != 1:
        from elmyr.images.dataset.labels import read_labels  # whose names are ordered as those of files

        labels, classes, said = read_labels(given, classes)
        if said:
            note(said)
    if labels.shape != (count,):
        raise InputError(f"{count} images have labels of the shape {labels.shape}: give one label per image")
    if len(classes) > MOST_CLASSES or (count and labels.min() < 0):
        raise InputError(f"the labels go from {labels.min()} to {labels.max()}: number the classes from 0 on")
    _check_classes(classes, labels)
    return labels, classes


def _check_classes(classes: tuple[str, ...], labels: NDArray[np.int64]) -> None:
    if len(labels) and labels.max() >= len(classes):
        raise InputError(f"the label {labels.max()} has no name among {len(classes)} classes: name them all")
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise InputError(f"two classes are named '{twice}': give each its own name")
    unusable = next((name for name in classes if not name or "\0" in name or len(name) > LONGEST_NAME), None)
    if unusable is not None:
        raise InputError(f"a class is named {unusable[:40]!r}: give it a name of 1 to {LONGEST_NAME} characters")
