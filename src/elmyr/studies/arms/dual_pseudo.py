"""Recognizers from few labels by several trainings: a choice among seeds, or a GAN between two of them.

None of them sees a label that the cell does not have.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from elmyr.core import seeds
from elmyr.engine.config import parse_settings
from elmyr.images import AS_BYTES, ImageSet, load_images, save_npz
from elmyr.studies.arms.arm import Training, pair
from elmyr.studies.cell_data import FEWEST_GENERATED, CellData
from elmyr.tasks.gan.in_memory import train_on
from elmyr.tasks.recognition import Recognizer, best_without_labels, pseudo_labeled

TRIED = 3  # seeds among which one is chosen


def best_of_seeds(training: Training) -> Recognizer:
    """Trains with several seeds, each a share of the updates, and takes the one whose predictions tell most."""
    fits = []
    for number in range(TRIED):
        seed = seeds.derive(training.arm.seed(training.ground.seed), "tried", number)
        fits.append(_fitted(training, training.updates // TRIED, seed=seed))
    return fits[best_without_labels(fits, _unlabeled(training.ground))]


def dual_pseudo_training(training: Training) -> Recognizer:
    """A first recognizer labels all images, a GAN learns from them, its images teach a second one (You et al. 2023).

    Each recognizer has half of the updates. The GAN has the budget of the study's.
    """
    half = training.updates // 2
    first = _fitted(training, half)
    ground, arm = training.ground, training.arm
    kept = ground.samples.with_name(f"{ground.samples.stem}-pseudo-{arm.repetition}.npz")
    generated = _generated(ground, first, kept, seed=arm.seed(ground.seed))
    labels = first.classes_[generated.require_labels()]
    recognizer = training.recognizer({"updates": training.updates - half})
    return recognizer.fit(
        *pair(ground.labeled),
        generated=(generated.images, labels),
        unlabeled=training.unlabeled,
        listener=training.listener,
    )


def _fitted(training: Training, updates: int, seed: int | None = None) -> Recognizer:
    changes = {"updates": max(1, updates)} | ({} if seed is None else {"seed": seed})
    recognizer = training.recognizer(changes)
    return recognizer.fit(*pair(training.ground.labeled), unlabeled=training.unlabeled, listener=training.listener)


def _generated(ground: CellData, reader: Recognizer, kept: Path, *, seed: int) -> ImageSet:
    """What a GAN makes that has learned from the images as they are read; kept on the disk, as the cell's is."""
    if kept.is_file():
        return load_images(kept, shaping=AS_BYTES)
    config, images = ground.config, _unlabeled(ground)
    pseudo = pseudo_labeled(reader, images)
    gan = train_on(
        pseudo,
        preset=config.preset,
        budget=config.images,
        seed=seed,
        settings={"class_balance": 1.0, **parse_settings(config.settings), "conditional": True},
        device=ground.device,
        precision=ground.precision,
    )
    learned = np.unique(pseudo.require_labels())  # of a class that no image was read as the GAN knows nothing
    made = gan.sample(FEWEST_GENERATED, label=np.resize(learned, FEWEST_GENERATED), seed=seeds.LEARNED_FROM)
    kept.parent.mkdir(parents=True, exist_ok=True)
    save_npz(made, kept)
    return made


def _unlabeled(ground: CellData) -> ImageSet:
    assert ground.unlabeled is not None
    return ImageSet(ground.unlabeled.images, None, name=ground.unlabeled.name)
