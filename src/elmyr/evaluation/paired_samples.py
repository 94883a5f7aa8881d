"""The two sides of a figure: real images of one part, and what stands beside them, as many and of the same classes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError, suggestion
from elmyr.engine.saving.places import told_of_runs
from elmyr.images import ImageSet, Splits
from elmyr.tasks.gan.model import GAN

LARGEST_COUNT = 10_000
FEWEST_FOR_FIGURES = 16
FEWEST_OF_A_CLASS = 8
SplitPart = Literal["test", "validation", "train"]


def check_exists(subject: str) -> None:
    """InputError where there is nothing at a path."""
    if not os.path.exists(subject):
        raise InputError(f"there is no run, file or folder '{subject}': {told_of_runs(subject)}")


def check_part(against: SplitPart) -> None:
    """InputError for what is no part of a split."""
    if against not in get_args(SplitPart):
        raise InputError(f"cannot judge against '{against}': {suggestion(against, get_args(SplitPart))}")


def sample_beside(gan: GAN, reference: ImageSet, seed: int) -> ImageSet:
    """As many images as the reference has, with its labels: else a balanced set would stand beside an unbalanced."""
    return gan.sample(len(reference), label=reference.labels if gan.config.classes else None, seed=seed)


def parts(splits: Splits, against: SplitPart) -> tuple[ImageSet, ImageSet]:
    """The real images to compare with, and those that take the place of generated ones for the real-data baseline.

    The test images are looked at for the figures of the test part alone.
    """
    sides = {
        "test": (splits.test, splits.validation),
        "validation": (splits.validation, splits.train),
        "train": (splits.train, splits.validation),
    }
    return sides[against]


def never_seen(splits: Splits, against: SplitPart) -> tuple[ImageSet, ImageSet]:
    """Two disjoint sets of real images that no network learned from, the first of the training part's distribution.

    The first is of the validation part, as a source's own test split may be of other writers, cameras or years.
    """
    if against == "test":
        return splits.validation, splits.test
    half = len(splits.validation) // 2
    places = first_places(len(splits.validation), len(splits.validation))
    return splits.validation.take(places[:half]), splits.validation.take(places[half:])


def common_count(splits: Splits, against: SplitPart = "test") -> int:
    """The number of images on each side of a figure: as many as both parts have, at most 10,000."""
    return min(*map(len, parts(splits, against)), LARGEST_COUNT)


def check_count(count: int) -> None:
    """InputError for too few images."""
    if count < FEWEST_FOR_FIGURES:
        raise InputError(f"{count} images are too few to compute figures: at least {FEWEST_FOR_FIGURES} are needed")


def _form(images: ImageSet) -> str:
    return f"{images.height}x{images.width} {'gray' if images.channels == 1 else 'RGB'}"


def comparable(samples: ImageSet, real: ImageSet, subject: str) -> ImageSet:
    """The samples with their labels as numbers of the real images' classes.

    By name where the real images have every name; where the samples' names are but numbers, by these.
    Raises InputError for images of another shape and for classes that the real images do not have.
    """
    classes = real.classes
    if samples.images.shape[1:] != real.images.shape[1:]:
        raise InputError(
            f"the images of '{subject}' are {_form(samples)}, the real ones {_form(real)}: bring them into that with "
            f"elmyr data convert {shlex.quote(subject)} OUT.npz --size {real.height}x{real.width} --channels "
            f"{real.channels}"
        )
    if samples.labels is None or not classes or samples.classes == classes:
        return samples
    unknown = [name for name in samples.classes if name not in classes]
    if not unknown:
        places = np.array([classes.index(name) for name in samples.classes], np.int64)
        return ImageSet(samples.images, places[samples.labels], classes, samples.name)
    numbers = [int(name) if name.isdecimal() else len(classes) for name in samples.classes]
    if max(numbers) >= len(classes):
        raise InputError(
            f"'{subject}' has the class '{unknown[0]}', the data do not: {suggestion(unknown[0], classes)}"
        )
    return ImageSet(samples.images, np.array(numbers, np.int64)[samples.labels], classes, samples.name)


def tell_missing(samples: ImageSet, reference: ImageSet, subject: str, say: Callable[[str], None]) -> None:
    """Says which classes have too few samples for the figures inside a class, or labels if there are none at all."""
    if reference.labels is None:
        return
    if samples.labels is None:
        say(f"'{subject}' has no labels: figures that need them are left out")
        return
    counts = np.bincount(samples.labels, minlength=len(reference.classes))
    of_real = np.bincount(reference.labels, minlength=len(reference.classes))
    few = [
        f"'{name}' ({count})"
        for name, count, real in zip(reference.classes, counts.tolist(), of_real, strict=True)
        if real and count < FEWEST_OF_A_CLASS
    ]
    if few:
        say(
            f"'{subject}' has fewer than {FEWEST_OF_A_CLASS} images of class {', '.join(few[:5])}"
            f"{', …' if len(few) > 5 else ''} among those looked at: figures inside the classes are left out"
        )


def first_of(images: ImageSet, count: int) -> ImageSet:
    """The first `count` in a fixed shuffle, so that a sorted source gives all its classes."""
    return images.take(first_places(len(images), count))


def first_places(length: int, count: int) -> NDArray[np.int64]:
    """Where those of `first_of` stand among `length` images: int64 (count,)."""
    return np.random.default_rng(0).permutation(length)[:count]
