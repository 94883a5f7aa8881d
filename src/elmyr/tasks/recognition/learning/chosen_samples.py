"""Which generated images to learn from: those that look most real, and those that are read as they were asked for.

The first is a discriminator's judgement (Azadi et al. 2019, "Discriminator Rejection Sampling", by rank in place of
chance, since a relativistic discriminator knows no absolute one), the second a recognizer's.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.gan.model import GAN, in_shares
from elmyr.tasks.recognition.recognizer import Recognizer

ROUNDS = 10
LEAST_SHARE = 0.05  # twenty times as many images are made then


def chosen_samples(
    gan: GAN, count: int, *, realism: float = 1.0, reader: Recognizer | None = None, seed: int = 0
) -> ImageSet:
    """`count` generated images, classes in their shares of the training images, of those that are good enough.

    realism: the share of each class's images, 0.05 to 1, that the discriminator finds most real.
    reader: a recognizer of the GAN's classes; an image that it does not read as it was asked for is left out.
    Neither changes how often a class comes. Without both these are just `gan.sample(count, seed=seed)`. Raises
    InputError for a GAN without classes or a reader of others, and where so few images of a class are good enough that
    ten times as many do not suffice.
    """
    require_realism(realism)
    if realism == 1 and reader is None:
        return gan.sample(count, seed=seed)
    classes = gan.config.classes
    if not classes:
        raise InputError("a GAN without classes makes nothing to learn labels from: train one with labels")
    if reader is not None and set(reader.classes_.astype(str)) != set(classes):
        raise InputError(f"the recognizer knows other classes than the GAN's, {', '.join(classes)}: take one of these")
    shares = gan.config.class_counts or [1] * len(classes)
    missing = np.bincount(in_shares(shares, count), minlength=len(classes))
    parts = []
    for number in range(ROUNDS):
        made = gan.sample(ceil(count / realism), seed=seeds.derive(seed, "choice", number))
        made = made.take(np.flatnonzero(_real_enough(gan, made, realism) & _read_as_asked(reader, made)))
        labels = made.require_labels()
        needed = _occurrences(labels) < missing[labels]
        parts.append(made.take(np.flatnonzero(needed)))
        missing = missing - np.bincount(labels[needed], minlength=len(classes))
        if not missing.any():
            break
    else:
        raise InputError(
            f"of {ROUNDS} times as many images of '{classes[int(missing.argmax())]}' too few are good enough to learn "
            "from: train the GAN longer, or leave out --agreeing"
        )
    labels = np.concatenate([part.require_labels() for part in parts])
    return ImageSet(np.concatenate([part.images for part in parts]), labels, classes, name=parts[0].name)


def require_realism(share: float) -> None:
    """InputError for what is no share of generated images to take."""
    if not LEAST_SHARE <= share <= 1:
        raise InputError(f"--realism is {share:g}: it is a share, from {LEAST_SHARE} to 1")


def _real_enough(gan: GAN, made: ImageSet, share: float) -> NDArray[np.bool_]:
    """Whether an image is among the `share` of its class that the discriminator's logits rank first."""
    labels = made.require_labels()
    if share == 1:
        return np.ones(len(made), np.bool_)
    order = np.argsort(-gan.discriminate(made), kind="stable")
    rank = np.empty(len(made), np.int64)
    rank[order] = _occurrences(labels[order])
    return np.asarray(rank < np.ceil(share * np.bincount(labels))[labels])


def _read_as_asked(reader: Recognizer | None, made: ImageSet) -> NDArray[np.bool_]:
    """Whether the reader sees the class in an image that was asked for; without a reader it always does."""
    if reader is None:
        return np.ones(len(made), np.bool_)
    read = reader.classes_.astype(str)[reader.predict_proba(made.images).argmax(1)]
    return np.asarray(read == np.array(made.classes)[made.require_labels()])


def _occurrences(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often the label of each place came before it."""
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], labels[order])
    counted = np.empty(len(labels), np.int64)
    counted[order] = np.arange(len(labels)) - first
    return counted
