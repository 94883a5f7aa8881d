"""The two sides of a figure: real images of one part, and what stands beside them, as many and of the same classes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError, suggestion
from elmyr.gan import GAN
from elmyr.images import ImageSet, Splits

LARGEST_COUNT = 10_000
FEWEST_FOR_FIGURES = 16
Part = Literal["test", "validation", "train"]


def sample_beside(gan: GAN, reference: ImageSet, seed: int) -> ImageSet:
    """As many images as the reference has, with its labels: else a balanced set would stand beside an unbalanced."""
    return gan.sample(len(reference), label=reference.labels if gan.config.classes else None, seed=seed)


def parts(splits: Splits, against: Part) -> tuple[ImageSet, ImageSet]:
    """The real images to compare with, and those that take the place of generated ones for the yardstick."""
    if against == "test":
        return splits.test, splits.validation
    return (splits.validation, splits.test) if against == "validation" else (splits.train, splits.validation)


def common_count(splits: Splits, against: Part = "test") -> int:
    """The number of images on each side of a figure: as many as both parts have, at most 10,000."""
    return min(*map(len, parts(splits, against)), LARGEST_COUNT)


def check_count(count: int) -> None:
    """InputError for too few images a side."""
    if count < FEWEST_FOR_FIGURES:
        raise InputError(f"{count} images a side are too few for a figure: at least {FEWEST_FOR_FIGURES} are needed")


def comparable(samples: ImageSet, real: ImageSet, subject: str) -> ImageSet:
    """The samples with their labels as numbers of the real images' classes: by name, or as they are where unnamed.

    Raises InputError for images of another shape and for classes that the real images do not have.
    """
    classes = real.classes
    if samples.images.shape[1:] != real.images.shape[1:]:
        raise InputError(f"'{subject}' has images of {samples.images.shape[1:]}, the data {real.images.shape[1:]}")
    if samples.labels is None or not classes or samples.classes == classes:
        return samples
    named = not all(name == str(number) for number, name in enumerate(samples.classes))
    unknown = [name for name in samples.classes if name not in classes]
    if named and not unknown:
        places = np.array([classes.index(name) for name in samples.classes], np.int64)
        return ImageSet(samples.images, places[samples.labels], classes, samples.name)
    if named or len(samples.classes) > len(classes):
        odd = unknown[0] if unknown else samples.classes[-1]
        raise InputError(f"'{subject}' has the class '{odd}', the data do not: {suggestion(odd, classes)}")
    return ImageSet(samples.images, samples.labels, classes, samples.name)


def first_of(images: ImageSet, count: int) -> ImageSet:
    """The first `count` in a fixed shuffle, so that a sorted source gives all its classes."""
    return images.take(first_places(len(images), count))


def first_places(length: int, count: int) -> NDArray[np.int64]:
    """Where those of `first_of` stand among `length` images: int64 (count,)."""
    return np.random.default_rng(0).permutation(length)[:count]
