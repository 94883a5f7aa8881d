"""What a recognizer learns from, checked, with its labels as numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Pixels, StoredPixels
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.generated.fresh_samples import FreshSamples
from elmyr.tasks.recognition.judged_images import mark

UNLABELED = -1
Pair = tuple[ArrayLike | StoredPixels, ArrayLike]  # images and a label each
Generated = Pair | FreshSamples


@dataclass(frozen=True)
class Lesson:
    """Labeled images, and what there is beside them."""

    classes: NDArray[Any]  # sorted, as the user names them
    labeled: ImageSet
    unlabeled: ImageSet | None = None
    generated: ImageSet | FreshSamples | None = None
    validation: ImageSet | None = None

    @classmethod
    def of(
        cls,
        X: ArrayLike | StoredPixels | ImageSet,
        y: ArrayLike | None,
        *,
        unlabeled: ArrayLike | StoredPixels | None = None,
        generated: Generated | None = None,
        validation: Pair | None = None,
        classes: NDArray[Any] | None = None,
    ) -> Self:
        """From images and labels as a user has them; a label of -1 marks an unlabeled image, among names too.

        The classes are those in y, or the given ones, sorted. Raises InputError for what cannot be learned from.
        """
        if y is None and isinstance(X, ImageSet):
            y = np.array(X.classes)[X.require_labels()]
        if y is None:
            raise InputError(
                "fit requires y to be passed, but the target y is None: give a label per image, or a data set as "
                "fit(elmyr.load_images(data))"
            )
        images, labels = checked_images(X), np.asarray(y)
        if labels.shape != (len(images),):
            raise InputError(f"y has the shape {labels.shape}, X has {len(images)} images: one label per image")
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise InputError("y holds NaN or infinity: give every image a label, or -1 for none")
        known = _known(labels)
        if not known.any():
            raise InputError("all labels in y are -1, which marks unlabeled images: label some of every class")
        found = _sorted_classes(labels[known]) if classes is None else classes
        if len(found) < 2 and not known.all() and found.tolist() == [1]:
            raise InputError("y holds -1 and 1, and -1 marks unlabeled images: two classes are np.where(y > 0, 1, 0)")
        if len(found) < 2:
            raise InputError("a recognizer needs at least two classes, y has one class: add images of another")
        names = tuple(str(each) for each in found)
        whole = ImageSet(images, None)
        labeled = whole if known.all() else whole.take(np.flatnonzero(known))
        more = _unlabeled(images, known, unlabeled)
        return cls(
            found,
            _labeled((labeled.images, labels[known]), "labeled", images.shape[1:], found, names),
            None if more is None else ImageSet(more, None),
            None if generated is None else _generated(generated, images.shape[1:], found, names),
            None if validation is None else _labeled(validation, "validation", images.shape[1:], found, names),
        )

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """How many labeled images each class has, int64 (K,)."""
        return np.bincount(self.labeled.require_labels(), minlength=len(self.classes)).astype(np.int64)

    @property
    def real(self) -> ImageSet:
        """All images but the generated ones: the unlabeled, and those of the labeled that are not among them."""
        if self.unlabeled is None:
            return self.labeled
        known = {mark(image) for image in self.unlabeled.images}
        more = [place for place, image in enumerate(self.labeled.images) if mark(image) not in known]
        if not more:
            return self.unlabeled
        return ImageSet(np.concatenate([self.unlabeled.in_memory(), self.labeled.take(more).in_memory()]), None)

    @property
    def generated_shares(self) -> NDArray[np.float64] | None:
        """How frequent each class is among the generated images, (K,); None without any."""
        if self.generated is None:
            return None
        if isinstance(self.generated, ImageSet):
            return np.bincount(self.generated.require_labels(), minlength=len(self.classes)) / len(self.generated)
        shares = np.zeros(len(self.classes))
        shares[self.numbers_of(self.generated)] = self.generated.counts / self.generated.counts.sum()
        return shares

    def numbers_of(self, generated: FreshSamples) -> NDArray[np.int64]:
        """The numbers int64 that the classes of generated images have here, in the order of theirs."""
        return np.searchsorted(self.classes, generated.names).astype(np.int64)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the images."""
        return self.labeled.height, self.labeled.width, self.labeled.channels


def checked_images(X: ArrayLike | StoredPixels | ImageSet, what: str = "X") -> Pixels:
    """Images as uint8 (N, H, W, C); InputError for what are none."""
    X = X.images if isinstance(X, ImageSet) else X
    first = X[0] if isinstance(X, list | tuple) and X else X
    if isinstance(first, str | os.PathLike):
        raise InputError(
            f"{what} is a path: recognizer.predict_files(paths) predicts files, elmyr.load_images(path) reads them"
        )
    try:
        images = X if isinstance(X, StoredPixels) else np.asarray(X)
    except ValueError:  # items of several shapes, as the pairs of a data set
        raise InputError(
            f"{what} is a {type(X).__name__}, not an array: give elmyr.load_images({what}), or its images"
        ) from None
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        converted = images.dtype.kind in "buif" and images.ndim in (3, 4)
        raise InputError(
            f"{what} is {images.dtype} of shape {images.shape}: give images as uint8 (N, H, W, C) or (N, H, W)"
            + (f": elmyr.ImageSet.of({what}).images makes them so" if converted else "")
        )
    if not len(images):
        raise InputError(f"{what} holds no image")
    images = images[..., None] if images.ndim == 3 else images
    if min(images.shape[1:3]) < 8:
        raise InputError(f"images are {images.shape[1]}x{images.shape[2]}: at least 8x8 is needed")
    return images if isinstance(images, StoredPixels) else np.ascontiguousarray(images)


def require_gan_of(gan: GAN, images: ImageSet) -> None:
    """InputError for a GAN of other images than these, or that lacks one of their classes."""
    shape = gan.config.height, gan.config.width, gan.config.channels
    if shape != images.images.shape[1:]:
        raise InputError(f"the GAN makes images {shape}, the others are {images.images.shape[1:]}: train it on these")
    lacking = [name for name in images.classes if name not in gan.config.classes]
    if lacking:
        known = ", ".join(gan.config.classes) or "(none)"
        raise InputError(f"the GAN knows no class '{lacking[0]}', only {known}: train it on these images")


def _known(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which labels are given, (N,): of numbers, and of names that are objects, -1 marks those that are not."""
    if labels.dtype.kind in "iuf":
        if labels.dtype.kind == "f" and (odd := labels[labels != np.floor(labels)]).size:
            raise InputError(
                f"Unknown label type: y holds {odd[0]:g}, and classes are wanted: np.digitize(y, edges) makes some"
            )
        return np.asarray(labels != UNLABELED)
    if labels.dtype == object:
        return np.array([not (isinstance(each, int) and each == UNLABELED) for each in labels], np.bool_)
    if labels.dtype.kind == "U" and (labels == str(UNLABELED)).any():
        raise InputError("y holds the word '-1': mark unlabeled images by -1 in np.array(y, dtype=object)")
    return np.ones(len(labels), np.bool_)


def _sorted_classes(labels: NDArray[Any]) -> NDArray[Any]:
    try:
        return np.unique(labels)
    except TypeError:
        raise InputError("y holds labels of several types, or None: make them all numbers or all strings") from None


def _unlabeled(images: Pixels, known: NDArray[np.bool_], more: ArrayLike | StoredPixels | None) -> Pixels | None:
    """The images that are given without labels, and all of X where some of it has none; None without either."""
    marked = None if known.all() else images
    if more is None:
        return marked
    given = checked_images(more, "unlabeled")
    if given.shape[1:] != images.shape[1:]:
        raise InputError(
            f"unlabeled images are {given.shape[1:]}, the labeled ones {images.shape[1:]}: make them alike"
        )
    return given if marked is None else np.concatenate([np.asarray(marked[:]), np.asarray(given[:])])


def _generated(
    given: Generated, shape: tuple[int, ...], classes: NDArray[Any], names: tuple[str, ...]
) -> ImageSet | FreshSamples:
    if not isinstance(given, FreshSamples):
        return _labeled(given, "generated", shape, classes, names)
    if given.shape != shape:
        raise InputError(f"generated images are {given.shape}, the real ones {shape}: make them alike")
    if not np.isin(given.names, classes).all():
        raise InputError(f"generated images need labels of the classes {', '.join(names)}: train the GAN on these")
    return given


def _labeled(pair: Pair, what: str, shape: tuple[int, ...], classes: NDArray[Any], names: tuple[str, ...]) -> ImageSet:
    images, labels = checked_images(pair[0], what), np.asarray(pair[1])
    if images.shape[1:] != shape:
        raise InputError(f"{what} images are {images.shape[1:]}, the real ones {shape}: make them alike")
    if labels.shape != (len(images),) or not np.isin(labels, classes).all():
        raise InputError(f"{what} images need one label each, of the classes {', '.join(names)}")
    return ImageSet(images, np.searchsorted(classes, labels).astype(np.int64), names)
