"""What the arms of one cell and seed learn from and are judged by."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.engine.config import require_there
from elmyr.engine.saving.run_directory import RunDirectory, position_of
from elmyr.images import AS_BYTES, ImageSet, Shaping, Source, Splits, load_images, open_source, save_npz, split_source
from elmyr.images.dataset.shaping import labeled_places
from elmyr.studies.config import Cell, StudyConfig
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition import Doubts, FreshSamples, Origin, Recognizer, doubts_of
from elmyr.tasks.recognition.learning.chosen_samples import ALL, Choice

FEWEST_GENERATED = 10_000
MOST_VALIDATED, MOST_TESTED = 1000, 2000  # images that are attacked


class CellData:
    """The images of one cell and seed; its GAN and what that makes are opened where they are asked for.

    labeled: training images, with their labels as they are seen. unlabeled: all training images, where only some have a
    label, else None. validation, test: whole, whatever the trouble; test_indices as in `Splits`. choosing: what choices
    on the validation part are made with, which has not learned from it. Where arms are judged under attack, validation
    and test are some of their images.
    """

    def __init__(self, study: Path, config: StudyConfig, cell: Cell, seed: int, source: Source) -> None:
        self.study, self.config, self.cell, self.seed = study, config, cell, seed
        self.device, self.precision = config.device, config.precision
        present = cell.shaping.model_copy(update={"labels_per_class": None})
        splits = split_source(source, seed, present)
        self.labeled, self.validation, self.test = splits.train, splits.validation, splits.test
        self.test_indices: NDArray[np.int64] = splits.test_indices
        self.unlabeled: ImageSet | None = None
        self.choosing = self
        self.whole_validation = splits.validation
        if cell.robust is not None:
            self.validation, self.test, self.test_indices = _attacked(splits)
        if cell.shaping.labels_per_class is not None:
            self.unlabeled = splits.train
            self.labeled = splits.train.take(labeled_places(splits.train, cell.shaping, seed))

    @property
    def trouble(self) -> Shaping:
        """What is wrong with the training part."""
        return self.cell.shaping.troubles()

    @property
    def run(self) -> RunDirectory:
        """Where the GAN of the cell and seed is trained."""
        return RunDirectory(self.study / "runs" / f"{self.cell.folder}-seed-{self.seed}")

    @cached_property
    def gan(self) -> GAN:
        """The finished GAN, which has seen `labeled` and nothing else."""
        return GAN.load(self.run.path, device=self.device, precision=self.precision)

    @cached_property
    def generated(self) -> ImageSet:
        """What the GAN makes, the classes in equal numbers; kept on the disk until the arms have learned from it."""
        if self.samples.is_file():
            return load_images(self.samples, shaping=AS_BYTES)
        images = self.gan.sample(max(len(self.labeled), FEWEST_GENERATED), balanced=True, seed=seeds.LEARNED_FROM)
        self.samples.parent.mkdir(exist_ok=True)
        save_npz(images, self.samples)
        return images

    def fresh(
        self,
        *,
        truncation: float = 1.0,
        checkpoint: str | None = None,
        choice: Choice = ALL,
        soft: Recognizer | None = None,
    ) -> FreshSamples:
        """Images of the GAN without an end, the classes in equal numbers, labeled by the numbers of classes.

        checkpoint: one of `checkpoints` in place of the finished model. choice, soft: as `FreshSamples` has them.
        """
        gan = self.gan
        if checkpoint is not None:
            gan = open_gan(self.run.path, checkpoint=checkpoint, device=self.device, precision=self.precision)
        names = np.arange(len(self.labeled.classes))
        return FreshSamples([Origin(gan, truncation)], choice=choice, soft=soft, balanced=True, names=names)

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Those of the GAN that are kept, by their images seen, but for the last, which the finished model is."""
        seen = sorted(position_of(path) for path in self.run.checkpoints.glob("images-*"))
        return tuple(map(str, seen[:-1]))

    @cached_property
    def rival(self) -> Recognizer:
        """What the labeled images teach without a GAN, by classical augmentation; its labels are names of classes."""
        recognizer = Recognizer(
            method="augment",
            updates=self.config.updates,
            seed=seeds.derive(self.seed, "rival"),
            device=self.device,
            precision=self.precision,
        )
        return recognizer.fit(self.labeled)

    @cached_property
    def doubts(self) -> Doubts:
        """Which labels are likely wrong, by recognizers that have not seen them."""
        return doubts_of(self.labeled, seed=self.seed, device=self.device, precision=self.precision)

    def with_validation(self) -> CellData:
        """The same with the validation part among what is learned from."""
        whole = copy(self)
        for of_fewer_images in ("doubts", "rival", "generated"):
            whole.__dict__.pop(of_fewer_images, None)
        whole.choosing = self
        whole.labeled = self.labeled + self.whole_validation
        whole.unlabeled = None if self.unlabeled is None else self.unlabeled + self.whole_validation
        return whole

    @property
    def samples(self) -> Path:
        """The file of what the GAN makes."""
        whole = "" if self.choosing is self else "-whole"
        return self.study / "samples" / f"{self.cell.folder}-seed-{self.seed}{whole}.npz"


def _attacked(splits: Splits) -> tuple[ImageSet, ImageSet, NDArray[np.int64]]:
    """As many images of the validation and the test part as are attacked, and where in the source the latter stand."""
    validation, test = (
        part.take(np.unique(np.linspace(0, len(part) - 1, most).astype(np.int64)))
        for part, most in ((splits.validation, MOST_VALIDATED), (splits.test, MOST_TESTED))
    )
    places = np.unique(np.linspace(0, len(splits.test) - 1, MOST_TESTED).astype(np.int64))
    return validation, test, splits.test_indices[places]


def opened(config: StudyConfig) -> Source:
    """The study's images, in their form; InputError where they are not there any more."""
    require_there(config.source)
    return open_source(config.source, config.root, config.shaping)
