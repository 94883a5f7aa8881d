"""The arms of a study: the ways to train the recognizer that are held against each other.

An arm is one training a seed, so that a side of the verdict chooses among as many candidates as it has arms. The side
with a GAN mixes generated images in by several shares; for that the other trains as many of its arms again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.tables import Table
from elmyr.engine.progress import shown
from elmyr.images import ImageSet, Shaping
from elmyr.metrics import accuracy, balanced_accuracy, macro_f1
from elmyr.studies.cell_data import CellData
from elmyr.tasks.recognition import GanOverSampler, Recognizer, resampled, with_corrections, without_suspects
from elmyr.tasks.recognition.learning.methods import read_method

MIXED_SHARES = (0.25, 0.5)
MEASURES = {"accuracy": accuracy, "balanced accuracy": balanced_accuracy, "macro F1": macro_f1}


def _as_they_are(ground: CellData) -> ImageSet:
    return ground.labeled


class Case(NamedTuple):
    """A trouble of the training part, and whether the classes of what is left differ by 3:1 or more."""

    trouble: Shaping
    unbalanced: bool


@dataclass(frozen=True)
class Arm:
    """One way to train the recognizer.

    method: the recognizer's. shares: of generated images in its batches; 1.0 is nothing else. Of several, as older
    studies have them, each seed keeps the best on validation. repetition: which training of its kind it is, each with
    another seed. images: the labeled images that it learns from. parameters: other ones of the recognizer. needs_run:
    whether the cell's GAN has to be trained before it. plays: whether the method trains a generator of its own. where:
    whether it is of use in a case.
    """

    name: str
    method: str
    needs_run: bool = False
    plays: bool = False
    shares: tuple[float, ...] = (0.0,)
    repetition: int = 0
    images: Callable[[CellData], ImageSet] = _as_they_are
    parameters: Mapping[str, Any] = field(default_factory=dict)
    where: Callable[[Case], bool] = lambda case: True
    needs: str | None = None  # an optional library
    doubts: bool = False  # whether likely wrong labels are looked for first

    @property
    def uses_gan(self) -> bool:
        """Whether a GAN takes part, the cell's or the method's own."""
        return self.needs_run or self.plays

    @property
    def counts(self) -> bool:
        """Whether the other side gets a training for it: generated images alone lack what all other arms have."""
        return self.shares != (1.0,)

    def seed(self, study_seed: int) -> int:
        """The recognizer's, with a seed of the study."""
        return seeds.derive(study_seed, "repetition", self.repetition) if self.repetition else study_seed


def _unbalanced(case: Case) -> bool:
    return case.unbalanced


def _noisy(case: Case) -> bool:
    return case.trouble.label_noise > 0


def _unlabeled(case: Case) -> bool:
    return case.trouble.labels_per_class is not None


def _resampled(how: str) -> Callable[[CellData], ImageSet]:
    return lambda ground: resampled(ground.labeled, how=how, seed=ground.seed)


def _filled_by_gan(ground: CellData) -> ImageSet:
    images = ground.labeled
    sampler = GanOverSampler(gan=ground.gan, random_state=seeds.LEARNED_FROM)
    pixels, names = sampler.fit_resample(images.images, np.array(images.classes)[images.require_labels()])
    number_of = {name: number for number, name in enumerate(images.classes)}
    return ImageSet(pixels, np.array([number_of[name] for name in names], np.int64), images.classes)


def _suspects_dropped(ground: CellData) -> ImageSet:
    return without_suspects(ground.labeled, ground.doubts)


def _suspects_corrected(ground: CellData) -> ImageSet:
    return with_corrections(ground.labeled, ground.doubts)


def _never(case: Case) -> bool:
    return False


def _mixed(real: str, method: str) -> tuple[Arm, ...]:
    return tuple(
        Arm(f"{real} + {100 * share:g} % generated", method, needs_run=True, shares=(share,)) for share in MIXED_SHARES
    )


SINGLE = (
    Arm("real", "supervised"),
    Arm("real + classical", "augment"),
    Arm("class weights", "augment", parameters={"class_weight": "balanced"}, where=_unbalanced),
    Arm("over-sampling", "augment", images=_resampled("random"), where=_unbalanced, needs="imblearn"),
    Arm("SMOTE", "augment", images=_resampled("smote"), where=_unbalanced, needs="imblearn"),
    Arm("suspects dropped", "augment", images=_suspects_dropped, where=_noisy, doubts=True),
    Arm("suspects corrected", "augment", images=_suspects_corrected, where=_noisy, doubts=True),
    Arm("consistency", "consistency", where=_unlabeled),
    Arm("gan-semi", "gan-semi", plays=True, where=_unlabeled),
    Arm("gan-consistency", "gan-consistency", plays=True, where=_unlabeled),
    Arm("generated", "supervised", needs_run=True, shares=(1.0,)),
    *_mixed("real", "supervised"),
    *_mixed("real + classical", "augment"),
    Arm(
        "GAN over-sampling",
        "augment",
        needs_run=True,
        images=_filled_by_gan,
        where=_unbalanced,
        needs="imblearn",
    ),
)
AGAIN = {arm.name: replace(arm, name=f"{arm.name}, again", repetition=1) for arm in SINGLE if not arm.uses_gan}
OLDER = (  # of studies from before an arm was one training
    Arm("real + generated", "supervised", needs_run=True, shares=MIXED_SHARES, where=_never),
    Arm("real + classical + generated", "augment", needs_run=True, shares=MIXED_SHARES, where=_never),
)
ARMS: Table[Arm] = Table("arm", {arm.name: arm for arm in (*SINGLE, *AGAIN.values(), *OLDER)})


def arms_for(case: Case) -> tuple[tuple[str, ...], tuple[Arm, ...]]:
    """The names of the arms that are of use in a case, and those that would be but for a library.

    Both sides have as many candidates: where the side with a GAN has more, arms of the other are trained again.
    """
    wanted = [arm for arm in SINGLE if arm.where(case)]
    missing = tuple(arm for arm in wanted if arm.needs is not None and find_spec(arm.needs) is None)
    there = [arm for arm in wanted if arm not in missing]
    without = [arm for arm in there if not arm.uses_gan]
    fewer = sum(arm.uses_gan and arm.counts for arm in there) - len(without)
    again = {arm.name for arm in without[: max(0, fewer)]}
    names = [[arm.name, AGAIN[arm.name].name] if arm.name in again else [arm.name] for arm in there]
    return tuple(chain.from_iterable(names)), missing


@dataclass(frozen=True)
class ArmResult:
    """One arm with one seed: the share chosen on validation, and what it then read in the test part."""

    share: float
    validation: float
    validation_by_share: dict[str, float]
    read: NDArray[np.int64]


def train_arm(arm: Arm, ground: CellData, *, updates: int, quiet: bool = True) -> ArmResult:
    """Trains the arm's recognizer with each of its shares and keeps the best on validation (the first of equals).

    Without `quiet` its progress is shown.
    """
    candidates = []
    measure = MEASURES[ground.cell.measure]
    images = arm.images(ground)
    unlabeled = ground.unlabeled if read_method(arm.method).needs == "unlabeled" else None
    for share in arm.shares:
        recognizer = Recognizer(
            updates=updates,
            method=arm.method,
            generated_share=share,
            seed=arm.seed(ground.seed),
            device=ground.device,
            precision=ground.precision,
            **arm.parameters,
        )
        learned = ground.generated if share == 1 else images
        generated = _pair(ground.generated) if 0 < share < 1 else None
        more = None if unlabeled is None else unlabeled.images
        with shown(arm.name, total=updates * read_method(arm.method).batch, quiet=quiet) as listener:
            recognizer.fit(*_pair(learned), generated=generated, unlabeled=more, listener=listener)
        reached = measure(recognizer.predict(ground.validation.images), ground.validation.require_labels())
        candidates.append((float(reached), share, recognizer))
    reached, share, recognizer = max(candidates, key=lambda candidate: candidate[0])
    return ArmResult(
        share=share,
        validation=reached,
        validation_by_share={f"{share:g}": reached for reached, share, _ in candidates},
        read=np.asarray(recognizer.predict(ground.test.images), np.int64),
    )


def _pair(images: ImageSet) -> tuple[Any, NDArray[np.int64]]:
    return images.images, images.require_labels()
