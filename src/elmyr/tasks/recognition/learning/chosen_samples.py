"""Which generated images to learn from: those that look most real, are read as they were asked for, and teach most.

The first is a discriminator's judgement (Azadi et al. 2019, "Discriminator Rejection Sampling", by rank in place of
chance, since a relativistic discriminator knows no absolute one), the others a recognizer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images import ImageSet
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.sampling.asked import in_shares

if TYPE_CHECKING:
    from elmyr.tasks.recognition.recognizer import Recognizer

ROUNDS = 10
LEAST_SHARE = 0.05  # twenty times as many images are made then


def require_share(option: str, share: float) -> None:
    """InputError for what is no share of generated images to take."""
    if not LEAST_SHARE <= share <= 1:
        raise InputError(f"{option} is {share:g}: it is a share, from {LEAST_SHARE} to 1")


@dataclass(frozen=True)
class Choice:
    """What is demanded of a generated image; InputError for a share that is none.

    realism: the share of each class's images, 0.05 to 1, that the discriminator finds most real.
    reader: a recognizer of the GAN's classes; an image that it does not read as it was asked for is left out.
    hardest: of those that are left, the share of each class's, 0.05 to 1, of which the reader is least sure: what is
    neither read wrong nor known already. demanding: whether it is an InputError where too few are good enough;
    otherwise the rest is filled with images as they come.
    """

    realism: float = 1.0
    reader: Recognizer | None = None
    hardest: float = 1.0
    demanding: bool = True

    def __post_init__(self) -> None:
        require_share("--realism", self.realism)
        require_share("--hardest", self.hardest)
        if self.hardest < 1 and self.reader is None:
            raise InputError("--hardest takes what a recognizer is least sure of: name one with --agreeing")

    @property
    def takes_all(self) -> bool:
        """Whether nothing is demanded."""
        return self.realism == 1 and self.reader is None

    def tried(self, count: int) -> int:
        """How many are made where `count` are wanted."""
        return ceil(count / (self.realism * self.hardest))

    def of(self, gan: GAN, made: ImageSet) -> NDArray[np.int64]:
        """The places (M,) of those that are good enough among what the GAN has made."""
        kept = _real_enough(gan, made, self.realism)
        if self.reader is None:
            return np.flatnonzero(kept)
        probabilities, labels = _as_asked(self.reader, made), made.require_labels()
        places = np.flatnonzero(kept & (probabilities.argmax(1) == labels))
        left = labels[places]
        return places[_first_of_class(probabilities[places, left], left, self.hardest)]


ALL = Choice()


def chosen_samples(
    gan: GAN,
    count: int,
    *,
    realism: float = 1.0,
    reader: Recognizer | None = None,
    hardest: float = 1.0,
    seed: int = 0,
) -> ImageSet:
    """`count` generated images, classes in their shares of the training images, of those that are good enough.

    realism: the share of each class's images, 0.05 to 1, that the discriminator finds most real.
    reader: a recognizer of the GAN's classes; an image that it does not read as it was asked for is left out.
    hardest: with a reader, the share of what is left of each class, 0.05 to 1, of which it is least sure.
    None changes how often a class comes. Without them these are just `gan.sample(count, seed=seed)`. Raises
    InputError for a GAN without classes or a reader of others, and where so few images of a class are good enough that
    ten times as many do not suffice.
    """
    return samples_of_choice(gan, count, Choice(realism, reader, hardest), seed=seed)


def samples_of_choice(gan: GAN, count: int, choice: Choice, *, seed: int = 0) -> ImageSet:
    """The same by a choice."""
    if choice.takes_all:
        return gan.sample(count, seed=seed)
    classes = require_classes(gan, choice)
    shares = gan.config.class_counts or [1] * len(classes)
    missing = np.bincount(in_shares(shares, count), minlength=len(classes))
    return joined(parts_of_choice(gan, in_shares(shares, choice.tried(count)), missing, choice, seed=seed))


def require_classes(gan: GAN, choice: Choice) -> tuple[str, ...]:
    """The GAN's classes; InputError where it has none, or where a reader knows others."""
    classes, reader = gan.config.classes, choice.reader
    if not classes:
        raise InputError("a GAN without classes makes nothing to learn labels from: train one with labels")
    if reader is not None and set(reader.classes_.astype(str)) != set(classes):
        raise InputError(f"the recognizer knows other classes than the GAN's, {', '.join(classes)}: take one of these")
    return classes


def parts_of_choice(
    gan: GAN,
    asked: NDArray[np.int64],
    missing: NDArray[np.int64],
    choice: Choice,
    *,
    truncation: float = 1.0,
    seed: int = 0,
    repeat: bool = False,
) -> list[ImageSet]:
    """Parts that together have as many good images of each class as `missing` (K,) says.

    asked: the labels (N,) of what is made in each round. Where ten rounds do not suffice, the good ones come again, if
    `repeat` (a class without any as it comes), which is told; else InputError is raised, if that many are demanded.
    """
    classes = gan.config.classes
    parts = []
    for number in range(ROUNDS):
        chosen_seed = seeds.derive(seed, "choice", number)
        made = gan.sample(len(asked), label=asked, truncation=truncation, seed=chosen_seed)
        made = made.take(choice.of(gan, made))
        labels = made.require_labels()
        needed = _occurrences(labels) < missing[labels]
        parts.append(made.take(np.flatnonzero(needed)))
        missing = missing - np.bincount(labels[needed], minlength=len(classes))
        if not missing.any():
            return parts
    if repeat:
        parts, missing = _repeated(parts, missing, classes)
        if not missing.any():
            return parts
    if repeat or not choice.demanding:
        lacking = np.repeat(np.arange(len(classes)), missing)
        rest = gan.sample(len(lacking), label=lacking, truncation=truncation, seed=seeds.derive(seed, "choice", ROUNDS))
        return [*parts, rest]
    raise InputError(
        f"of {ROUNDS} times as many images of '{classes[int(missing.argmax())]}' too few are good enough to learn "
        "from: train the GAN longer, or leave out --agreeing"
    )


def _repeated(
    parts: list[ImageSet], missing: NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[list[ImageSet], NDArray[np.int64]]:
    """The parts, and of what is missing of each class as many of its images again; and what then is still missing."""
    found = joined(parts)
    labels = found.require_labels()
    of_classes = [np.flatnonzero(labels == label) for label in range(len(classes))]
    again = [np.resize(places, count) for places, count in zip(of_classes, missing, strict=True) if len(places)]
    note(
        f"of {ROUNDS} times as many fresh images of '{classes[int(missing.argmax())]}' too few are good enough to "
        "learn from: those that are come again"
    )
    there = np.array([len(places) > 0 for places in of_classes])
    return [*parts, found.take(np.concatenate(again))] if there.any() else parts, np.where(there, 0, missing)


def joined(parts: list[ImageSet]) -> ImageSet:
    """Labeled parts of one kind, one after the other."""
    labels = np.concatenate([part.require_labels() for part in parts])
    return ImageSet(np.concatenate([part.images for part in parts]), labels, parts[0].classes, name=parts[0].name)


def _real_enough(gan: GAN, made: ImageSet, share: float) -> NDArray[np.bool_]:
    """Whether an image is among the `share` of its class that the discriminator's logits rank first."""
    if share == 1:
        return np.ones(len(made), np.bool_)
    return _first_of_class(-gan.discriminate(made), made.require_labels(), share)


def _first_of_class(order: NDArray[np.float64], labels: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Whether each (N,) is in the `share` of its class that comes first in the order."""
    if share == 1:
        return np.ones(len(labels), np.bool_)
    places = np.argsort(order, kind="stable")
    rank = np.empty(len(labels), np.int64)
    rank[places] = _occurrences(labels[places])
    return np.asarray(rank < np.ceil(share * np.bincount(labels))[labels])


def _as_asked(reader: Recognizer, made: ImageSet) -> NDArray[np.float64]:
    """The reader's probabilities (N, K), columns in the order of the images' classes."""
    read = reader.classes_.astype(str).tolist()
    return reader.predict_proba(made.images)[:, [read.index(name) for name in made.classes]]


def _occurrences(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often the label of each place came before it."""
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], labels[order])
    counted = np.empty(len(labels), np.int64)
    counted[order] = np.arange(len(labels)) - first
    return counted
