"""Images without labels: labels that a recognizer gives them, and which of several recognizers reads them best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images import ImageSet
from elmyr.tasks.gan.model import to_unit
from elmyr.tasks.recognition.learning.consistency import changed_much
from elmyr.tasks.recognition.recognizer import Recognizer

KEPT = 0.8  # of all images, where nothing else is said
MOST = 10_000  # images that a recognizer is judged by
CHUNK = 1000


def pseudo_labeled(recognizer: Recognizer, images: ImageSet, *, share: float = KEPT) -> ImageSet:
    """Images with the classes that a recognizer predicts for them, the surest of each class.

    share: how many of all images are kept at most, 0 to 1, in equal numbers a class; what it is less sure of is left
    out, and a class that it predicts less often has all that it is predicted for. In the order of the images. So a GAN
    can learn from images that nobody labeled (You et al. 2023, "Diffusion models and semi-supervised learners benefit
    mutually with few labels"). A class that is predicted for no image is told. Raises InputError for a share that is
    none.
    """
    if not 0 < share <= 1:
        raise InputError(f"the share of images to label is {share:g}: it is above 0 and at most 1")
    classes = tuple(recognizer.classes_.astype(str).tolist())
    probabilities = recognizer.predict_proba(images.images)
    labels, sureness = probabilities.argmax(1), probabilities.max(1)
    quota = max(1, int(share * len(images) / len(classes)))
    kept = [np.flatnonzero(labels == label) for label in range(len(classes))]
    if lacking := [name for name, places in zip(classes, kept, strict=True) if not len(places)]:
        note(f"class '{lacking[0]}' is predicted for no image: label some more of each class, or train longer")
    surest = [places[np.argsort(-sureness[places], kind="stable")[:quota]] for places in kept]
    chosen = np.sort(np.concatenate(surest))
    found = images.take(chosen)
    return ImageSet(found.images, labels[chosen].astype(np.int64), classes, name=images.name)


@dataclass(frozen=True)
class UnlabeledScore:
    """How well a recognizer seems to read images without labels, by its predictions alone.

    information: how much a prediction tells of the image, as a share of the most that it can: 1 where all classes are
    predicted equally often and every one surely, 0 where all images look alike (Krause et al. 2010, "Discriminative
    clustering by regularized information maximization"), for images changed much. loss: the cross-entropy of these by
    the classes predicted for the images as they are. margin: between the two largest probabilities. balance: how evenly
    the classes are predicted, 0 to 1. Means over the images.
    """

    information: float
    loss: float
    margin: float
    balance: float


def unlabeled_score(recognizer: Recognizer, images: ImageSet) -> UnlabeledScore:
    """The score of a recognizer on images, of which at most 10,000 are looked at; their labels are not."""
    looked = images.take(np.linspace(0, len(images) - 1, min(len(images), MOST)).astype(np.int64))
    plain, changed = [], []
    for number, begin in enumerate(range(0, len(looked), CHUNK)):
        some = looked.take(range(begin, min(begin + CHUNK, len(looked)))).in_memory()
        plain.append(recognizer.predict_proba(some))
        changed.append(recognizer.predict_proba(_changed(some, number)))
    return score_of(np.concatenate(plain), np.concatenate(changed))


def best_without_labels(recognizers: Sequence[Recognizer], images: ImageSet) -> int:
    """Which of several recognizers of the same classes tells most of images that nobody labeled: its place.

    With a few labels a class, trainings that differ in their seed alone differ in whole groups of images that get the
    name of another class: no validation labels are needed to see that some of them have torn a class apart.
    """
    if not recognizers:
        raise InputError("there is no recognizer to choose: give some")
    return int(np.argmax([unlabeled_score(each, images).information for each in recognizers]))


def score_of(plain: NDArray[np.float64], changed: NDArray[np.float64]) -> UnlabeledScore:
    """The score by probabilities (N, K) of the images as they are, and of the same changed much."""
    most, largest = np.log(plain.shape[1]), np.sort(plain, axis=1)
    told = changed[np.arange(len(changed)), plain.argmax(1)]
    return UnlabeledScore(
        information=float((_entropy(changed.mean(0)) - _entropy(changed).mean()) / most),
        loss=float(-np.log(told.clip(1e-12)).mean()),
        margin=float((largest[:, -1] - largest[:, -2]).mean()),
        balance=float(_entropy(plain.mean(0)) / most),
    )


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """In nats, along the last axis."""
    return np.asarray(-(probabilities * np.log(probabilities.clip(1e-12))).sum(-1))


def _changed(images: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Images uint8 (N, H, W, C) changed much, in the same way for every recognizer."""
    pixels = to_unit(torch.from_numpy(images).permute(0, 3, 1, 2))
    moved = changed_much(pixels, seeds.generator(0, "looked at", number))
    return ((moved.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
