"""What an arm is: one way to train the recognizer, what it needs, what it costs, and where it comes from.

An arm is one training a seed, so that a side of the verdict chooses among as many candidates as it has arms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.engine.progress import Listener
from elmyr.images import ImageSet, Shaping
from elmyr.studies.cell_data import CellData
from elmyr.studies.config import EFFORTS, Effort
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.learning.methods import read_method


class Case(NamedTuple):
    """A trouble of the training part, whether its classes then differ by 3:1 or more, and whether a set is borrowed.

    robust: whether attacks are to be withstood.
    """

    trouble: Shaping
    unbalanced: bool
    borrows: bool = False
    robust: bool = False


@dataclass(frozen=True)
class Training:
    """One training of an arm. share: of generated images in its batches. updates: of the recognizer, of all fits."""

    arm: Arm
    ground: CellData
    share: float
    updates: int
    listener: Listener | None = None

    def recognizer(self, changes: Mapping[str, Any] | None = None) -> Recognizer:
        """Not fitted yet, with the arm's parameters; `changes` of them for a fit that is one of several."""
        recognizer = Recognizer(
            updates=self.updates,
            method=self.arm.method,
            generated_share=self.share,
            seed=self.arm.seed(self.ground.seed),
            device=self.ground.device,
            precision=self.ground.precision,
        )
        recognizer.set_params(**{**self.arm.parameters_for(self.ground.cell.robust), **(changes or {})})
        return recognizer

    @property
    def unlabeled(self) -> Any:
        """The images uint8 (N, H, W, C) without labels, where the method learns from them; else None."""
        unlabeled = self.ground.unlabeled
        wanted = read_method(self.arm.method).needs == "unlabeled"
        return unlabeled.images if wanted and unlabeled is not None else None


def pair(images: ImageSet) -> tuple[Any, NDArray[Any]]:
    """Images uint8 (N, H, W, C) and labels int64 (N,), as a recognizer's `fit` takes them."""
    return images.images, images.require_labels()


def fitted_once(
    training: Training, changes: Mapping[str, Any] | None = None, *, start: Recognizer | None = None
) -> Recognizer:
    """One fit: on the arm's labeled images, on generated ones by its share, on unlabeled ones where it takes some.

    changes, start: as `Training.recognizer` and `Recognizer.fit` have them.
    """
    arm, ground, share = training.arm, training.ground, training.share
    learned = arm.generated(ground) if share == 1 else arm.images(ground)
    generated = pair(arm.generated(ground)) if 0 < share < 1 else None
    recognizer, unlabeled = training.recognizer(changes), training.unlabeled
    return recognizer.fit(
        *pair(learned), generated=generated, unlabeled=unlabeled, start=start, listener=training.listener
    )


def _as_they_are(ground: CellData) -> ImageSet:
    return ground.labeled


def _pool(ground: CellData) -> ImageSet:
    return ground.generated


@dataclass(frozen=True)
class Arm:
    """One way to train the recognizer.

    method: the recognizer's. about: one sentence for people, without a name of this project. paper: where it comes
    from. effort: the smallest that tries it. needs_run: whether the cell's GAN has to be trained before it. plays:
    whether the method trains a generator of its own. trains_gan: whether a GAN of the study's budget is trained in it.
    varies: whether it learns from variations of images, by a generator that such arms of a cell and seed share.
    shares: of generated images in its batches; 1.0 is nothing else. Of several, as older studies have them, each seed
    keeps the best on validation. repetition: which training of its kind it is, each with another seed. images: the
    labeled images that it learns from. generated: the generated ones. parameters: other ones of the recognizer. train:
    how a recognizer of it comes about, where not by one fit; all fits together make as many updates as
    `Training.updates`. cost: the time of its updates in those of its method. where: whether it is of use in a case.
    needs: an optional library. doubts: whether wrong labels are looked for first. robust: whether it learns to
    withstand attacks, which studies of that try, and no others.
    """

    name: str
    method: str
    about: str
    paper: str = ""
    effort: Effort = "quick"
    needs_run: bool = False
    plays: bool = False
    trains_gan: bool = False
    varies: bool = False
    shares: tuple[float, ...] = (0.0,)
    repetition: int = 0
    images: Callable[[CellData], ImageSet] = _as_they_are
    generated: Callable[[CellData], ImageSet] = _pool
    parameters: Mapping[str, Any] = field(default_factory=dict)
    train: Callable[[Training], Recognizer] = fitted_once
    cost: float = 1.0
    where: Callable[[Case], bool] = lambda case: True
    needs: str | None = None
    doubts: bool = False
    robust: bool = False

    @property
    def uses_gan(self) -> bool:
        """Whether a GAN takes part, the cell's or the method's own."""
        return self.needs_run or self.plays or self.trains_gan or self.varies

    @property
    def counts(self) -> bool:
        """Whether the other side gets a training for it: generated images alone lack what all other arms have."""
        return self.shares != (1.0,)

    def seed(self, study_seed: int) -> int:
        """The recognizer's, with a seed of the study."""
        return seeds.derive(study_seed, "repetition", self.repetition) if self.repetition else study_seed

    def fits(self, case: Case) -> bool:
        """Whether it is tried in a case, by an effort that is large enough."""
        return self.robust == case.robust and self.where(case)

    def parameters_for(self, epsilon: float | None) -> dict[str, Any]:
        """Those of its recognizer, in a study that is judged under attacks of this epsilon, if it is."""
        return {**self.parameters, "robust": epsilon} if self.robust else dict(self.parameters)

    def within(self, effort: Effort) -> bool:
        """Whether an effort tries it."""
        return EFFORTS.index(self.effort) <= EFFORTS.index(effort)
