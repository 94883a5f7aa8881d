"""Training, validation and test parts of a source: a function of the seed, the same share of every class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.shaping import AS_IT_IS, Shaping, by_class, thinned_for_training
from elmyr.images.dataset.sources import Source

TEST_SHARE = 1 / 4
VALIDATION_SHARE = 1 / 6  # of what is not test
FEWEST = 3  # one image of a class for each part


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a source, disjoint and together everything.

    test_indices: int64, where the test images stand in the source's own test split, or in its `train` where
    it has none. seed: the split's.
    """

    train: ImageSet
    validation: ImageSet
    test: ImageSet
    test_indices: NDArray[np.int64]
    seed: int

    def part(self, name: str) -> ImageSet:
        """The part called "train", "validation" or "test"; KeyError for another name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]


def split_source(source: Source, seed: int, shaping: Shaping = AS_IT_IS) -> Splits:
    """The split of a seed: the source's own test split or a quarter, a sixth of the rest for validation.

    With `shaping.folds` F the test part is a fold of cross-validation: the test parts of the seeds 0 to F − 1 are a
    partition of the images, those of F to 2F − 1 another one, so that so many seeds test each image once.

    Stratified where there are labels: each part has a class's share within one image, and at least one.
    Parts keep the source's order. Of `shaping` the training part may be thinned out, validation and test part are not.
    Raises InputError for a class of fewer than 3 images, or of too few for so many folds, and for folds of a source
    that has a test split.
    """
    if seed < 0:
        raise InputError(f"the seed is {seed}: it is at least 0")
    images = source.train
    _check_counts(images)
    rest = np.arange(len(images), dtype=np.int64)
    if shaping.folds is not None:
        _check_folds(source, shaping.folds)
        number, fold = divmod(seed, shaping.folds)
        fold_of = folds_of(_labels(images), shaping.folds, _stream(number, "fold"))
        test_indices, rest = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
        test = images.take(test_indices)
    elif source.test is not None:
        test, test_indices = source.test, np.arange(len(source.test), dtype=np.int64)
    else:
        test_indices, rest = _divide(images, rest, TEST_SHARE, _stream(seed, "test"))
        test = images.take(test_indices)
    validation, training = _divide(images, rest, VALIDATION_SHARE, _stream(seed, "validation"))
    kept = thinned_for_training(images.take(training), shaping, seed)
    return Splits(kept, images.take(validation), test, test_indices, seed)


def folds_of(labels: NDArray[np.int64], folds: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each image (N,): the images of a class, shuffled, take turns, each class where the last one ended."""
    shuffled = random.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold_of: NDArray[np.int64] = np.empty(len(labels), np.int64)
    fold_of[by_class] = np.arange(len(labels)) % folds
    return fold_of


def _labels(images: ImageSet) -> NDArray[np.int64]:
    return np.zeros(len(images), np.int64) if images.labels is None else images.labels


def _check_folds(source: Source, folds: int) -> None:
    """InputError unless every class has an image for each test part, and two for what is learned from beside it."""
    images = source.train
    if source.test is not None:
        raise InputError(f"'{source.name}' has a test part of its own: leave out --folds")
    counts = np.bincount(_labels(images), minlength=max(1, len(images.classes))).tolist()
    for name, count in zip(images.classes or (images.name,), counts, strict=True):
        if count < folds:
            raise InputError(f"--folds is {folds}, and '{name}' has {count} images: give at most --folds {count}")
        if count - -(-count // folds) < FEWEST - 1:
            raise InputError(f"--folds is {folds}, and '{name}' has {count} images: give --folds {count}")


def _check_counts(images: ImageSet) -> None:
    if images.labels is None:
        if len(images) < FEWEST:
            raise InputError(f"'{images.name}' has {len(images)} images, a split needs {FEWEST}: add some")
        return
    counts = np.bincount(images.labels, minlength=len(images.classes)).tolist()
    for name, count in zip(images.classes, counts, strict=True):
        if count < FEWEST:
            raise InputError(
                f"class '{name}' of '{images.name}' has {count} image{'' if count == 1 else 's'}, a split "
                f"needs {FEWEST}: add some, or leave the class out"
            )


def _divide(
    images: ImageSet, indices: NDArray[np.int64], share: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A random share of every class, at least one image, and the others; both sorted."""
    shuffled = random.permutation(indices)
    drawn = np.zeros(len(shuffled), bool)
    for members in by_class(_labels(images)[shuffled]):
        drawn[members[: max(1, round(len(members) * share))]] = True
    return np.sort(shuffled[drawn]), np.sort(shuffled[~drawn])


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(seeds.derive(seed, f"{name} split"))
