"""Which labels are likely wrong: what a recognizer that has not seen a label makes of the image, against the label."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.base import clone

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.engine.progress import shown
from elmyr.images import ImageSet
from elmyr.images.dataset.split import folds_of
from elmyr.tasks.gan.checkpoints import class_logits_by, open_gan
from elmyr.tasks.recognition.label_errors.label_noise import true_class_probabilities
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.recognizer import Recognizer, default_updates

FOLDS = 4
UPDATES_SHARE = 0.1  # of a recognizer's usual ones: enough to read most images, too few to learn wrong labels by heart
FEWEST_UPDATES = 150
PRECISION = 0.9
FEWEST_JUDGED = 15  # labels of a class: of fewer, folds learn too little, and right ones would be named
GAN_WEIGHT = 0.5  # of its log-probabilities: on 8x8 digits a quarter to 1 did no harm, 2 believed wrong labels


@dataclass(frozen=True)
class Doubts:
    """How likely each label of an image set is wrong, and what is proposed instead.

    given and proposed: class numbers int64 (N,), never the same of an image; chance: float64 (N,), the estimated
    probability that the given label is wrong. spared: numbers of the classes that are too small to be judged, so that
    no label of theirs is a suspect.
    """

    given: NDArray[np.int64]
    proposed: NDArray[np.int64]
    chance: NDArray[np.float64]
    spared: tuple[int, ...] = ()

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Whether the label of each image (N,) can be judged."""
        return ~np.isin(self.given, self.spared)

    @property
    def share(self) -> float:
        """The estimated share of wrong labels, of those that can be judged; 0 where none can."""
        return float(self.chance[self.judged].mean()) if self.judged.any() else 0.0

    def suspects(self, precision: float = PRECISION) -> NDArray[np.int64]:
        """Places of the images whose label is doubted most, the most doubtful first: int64 (M,).

        As many as can be named so that, by the estimated chances, this share of them has a wrong label; none where
        that cannot be reached.
        """
        if not 0 < precision <= 1:
            raise InputError(f"the precision is {precision}: it is a share, above 0 and up to 1")
        order = np.argsort(-self.chance, kind="stable")
        order = order[self.judged[order]]
        expected = np.cumsum(self.chance[order]) / np.arange(1, len(order) + 1)
        return order[: int((expected >= precision).sum())]  # the means fall along the order


def doubts_of(
    images: ImageSet,
    *,
    gan: str | os.PathLike[str] | None = None,
    recognizer: Recognizer | None = None,
    folds: int = FOLDS,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    quiet: bool = True,
) -> Doubts:
    """Doubts about the labels of an image set, by recognizers that were trained on the other folds.

    recognizer: how they learn (method "augment" and few updates where None). gan: the run of one that has learned these
    classes with the same labels; what its discriminator reads as the class counts as well, for half, since it has seen
    the labels. Raises InputError for images without labels, fewer than two folds, a class of one image, or a GAN of
    other images or without these classes. Progress is shown unless `quiet`.
    """
    labels = images.require_labels()
    _check(images, folds)
    of_gan = None if gan is None else _read_by_gan(gan, images, device)
    if recognizer is None:
        recognizer = doubting(images, device=device, precision=precision)
    read = out_of_fold(images, recognizer, folds=folds, seed=seed, say=say, quiet=quiet)
    if of_gan is not None:
        read = softmax(np.log(read) + GAN_WEIGHT * of_gan, axis=1)
    return doubts_by(read, labels)


def doubting(
    images: ImageSet, *, updates: int | None = None, device: str = "auto", precision: str = "auto"
) -> Recognizer:
    """The recognizer of `doubts_of`, not fitted yet: method "augment", with a tenth of its updates, 150 at least."""
    few = max(FEWEST_UPDATES, round(UPDATES_SHARE * default_updates(images, "augment")))
    return Recognizer(method="augment", updates=updates or few, device=device, precision=precision)


def doubts_by(read: NDArray[np.float64], given: NDArray[np.int64]) -> Doubts:
    """Doubts about given labels int64 (N,) by probabilities float64 (N, K) that know nothing of them."""
    likely, places = true_class_probabilities(read, given), np.arange(len(given))
    chance = 1 - likely[places, given]
    likely[places, given] = -1
    return Doubts(given, likely.argmax(1).astype(np.int64), chance, _too_small(np.bincount(given)))


def told_of_spared(images: ImageSet) -> str | None:
    """One line about the classes that are too small to be judged; None without one."""
    counts = np.bincount(images.require_labels(), minlength=len(images.classes))
    told = ", ".join(f"'{images.classes[place]}' ({counts[place]})" for place in _too_small(counts))
    if not told:
        return None
    return f"too small to be judged, so that none of their labels is named: {told}; {FEWEST_JUDGED} images are needed"


def _too_small(counts: NDArray[np.int64]) -> tuple[int, ...]:
    """The numbers of the classes of which there are images, but too few to judge their labels."""
    return tuple(np.flatnonzero((counts > 0) & (counts < FEWEST_JUDGED)).tolist())


def out_of_fold(
    images: ImageSet,
    recognizer: Recognizer,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
    quiet: bool = True,
) -> NDArray[np.float64]:
    """Probabilities float64 (N, classes) of each image, by a recognizer that learned from the other folds alone.

    Each training shows its progress unless `quiet`.
    """
    labels = images.require_labels()
    read = np.full((len(images), len(images.classes)), np.finfo(np.float64).tiny)
    fold_of = folds_of(labels, folds, np.random.default_rng(seeds.derive(seed, "folds")))
    for number in np.unique(fold_of):
        others, part = np.flatnonzero(fold_of != number), np.flatnonzero(fold_of == number)
        say(f"fold {number + 1} of {fold_of.max() + 1}: a recognizer learns from {len(others):,} other images")
        learned = clone(recognizer).set_params(seed=seeds.derive(seed, "fold", number) % 2**31)
        lesson = images.take(others).images, labels[others]
        total = learned.budget(Lesson.of(*lesson))
        with shown(f"fold {number + 1}", total=total, quiet=quiet) as listener:
            learned.fit(*lesson, listener=listener)
        read[np.ix_(part, learned.classes_)] = learned.predict_proba(images.take(part).images)
    return read


def _read_by_gan(gan: str | os.PathLike[str], images: ImageSet, device: str) -> NDArray[np.float64]:
    """The log-probabilities (N, classes of the images) that a run's discriminator gives."""
    known = open_gan(gan, device=device).config.classes
    lacking = [name for name in images.classes if name not in known]
    if lacking:
        raise InputError(f"the GAN of '{gan}' knows no class '{lacking[0]}', only {', '.join(known) or '(none)'}")
    logits = class_logits_by(gan, images, device=device)
    return np.asarray(log_softmax(logits[:, [known.index(name) for name in images.classes]], axis=1))


def without_suspects(images: ImageSet, doubts: Doubts, precision: float = PRECISION) -> ImageSet:
    """The images without those whose label is doubted; of a class that would vanish the least doubtful one stays."""
    suspects = doubts.suspects(precision)
    dropped = np.setdiff1d(suspects, _last_of_their_class(images.require_labels(), suspects))
    return images.take(np.setdiff1d(np.arange(len(images)), dropped))


def with_corrections(images: ImageSet, doubts: Doubts, precision: float = PRECISION) -> ImageSet:
    """The images with the proposed label where the given one is doubted; no class loses its least doubtful label."""
    labels, suspects = images.require_labels().copy(), doubts.suspects(precision)
    changed = np.setdiff1d(suspects, _last_of_their_class(labels, suspects))
    labels[changed] = doubts.proposed[changed]
    return replace(images, labels=labels)


def _last_of_their_class(labels: NDArray[np.int64], suspects: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each class of suspects alone, the least doubtful one: suspects stand in the order of their doubt."""
    left = np.bincount(labels) - np.bincount(labels[suspects], minlength=labels.max() + 1)
    gone = np.flatnonzero((left == 0) & (np.bincount(labels) > 0))
    return np.array([suspects[labels[suspects] == label][-1] for label in gone], np.int64)


def _check(images: ImageSet, folds: int) -> None:
    if folds < 2:
        raise InputError(f"there are {folds} folds: at least 2 are needed, one to predict and the others to train on")
    counts = np.bincount(images.require_labels(), minlength=len(images.classes))
    if (counts > 0).sum() < 2:
        raise InputError(f"'{images.name}' has images of fewer than two classes, so that no label can be wrong")
    lonely = np.flatnonzero(counts == 1)
    if len(lonely):
        raise InputError(
            f"class '{images.classes[lonely[0]]}' has one image, so no other can teach the class: add images of it, "
            "or leave the class out with --classes"
        )
