"""What the GANs of a system are good for: more images to recognize by, repair, style. Each is measured once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.files import make_folder
from elmyr.images import ImageSet, Splits, save_png
from elmyr.metrics import psnr, squared_error, wilson_interval
from elmyr.studies.articles.config import ArticlesConfig
from elmyr.studies.articles.pictures import SHOWN, repair_picture, walks_picture
from elmyr.studies.articles.places import PICTURES, recognizer_of, run_of
from elmyr.studies.articles.record import RecognitionRecord, RepairRecord, UsesRecord
from elmyr.studies.articles.systems import Effort, Side, System
from elmyr.studies.articles.trainings import CURED, WRITTEN
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.restoration.inversion import invert

GENERATED = 10_000
UPDATES: dict[Effort, dict[Side, int]] = {  # one of the images in color costs as much as six of the gray ones
    "quick": {"gray": 300, "color": 150},
    "full": {"gray": 2000, "color": 2000},
}


def learn_from_real(folder: Path, config: ArticlesConfig, splits: Splits, side: Side) -> None:
    """Trains the recognizer of the real training images, by which the others are measured, and keeps it."""
    _recognizer(config, side).fit(splits.train.images, splits.train.require_labels()).save(recognizer_of(folder, side))


def used(folder: Path, config: ArticlesConfig, system: System, splits: Splits) -> UsesRecord:
    """The uses of a system's trained GANs; writes the pictures."""
    written, cured = (
        GAN.load(run_of(folder, system, training).path, device=config.device, precision=config.precision)
        for slug in (WRITTEN, CURED)
        for training in config.trainings(system)
        if training.slug == slug
    )
    make_folder(folder / PICTURES)
    walk = f"{PICTURES}/{system.number}-walk.png"
    save_png(walks_picture(cured), folder / walk)
    return UsesRecord(
        recognition=_recognition(folder, config, system, splits, written, cured),
        repair=_repair(folder, system, splits.test, cured, config.seed),
        walk=walk,
    )


def _recognizer(config: ArticlesConfig, side: Side) -> Recognizer:
    updates = UPDATES[config.effort][side]
    return Recognizer(updates=updates, seed=config.seed, device=config.device, precision=config.precision)


def _recognition(
    folder: Path, config: ArticlesConfig, system: System, splits: Splits, written: GAN, cured: GAN
) -> tuple[RecognitionRecord, ...]:
    """Recognizers of the real images that the GANs saw, of these and generated ones, and of generated ones alone.

    What the GAN as written makes has no labels: the recognizer of the real images gives it some. All make the same
    number of updates.
    """
    real = Recognizer.load(recognizer_of(folder, system.side), device=config.device)
    unlabeled = written.sample(GENERATED, seed=seeds.LEARNED_FROM).images
    labeled = cured.sample(GENERATED, balanced=True, seed=seeds.LEARNED_FROM)
    lessons = {
        "written": (unlabeled, np.asarray(real.predict(unlabeled), np.int64)),
        "cured": (labeled.images, labeled.require_labels()),
    }
    readers = {"real": real} | {
        name: _recognizer(config, system.side).fit(splits.train.images, splits.train.require_labels(), generated=lesson)
        for name, lesson in lessons.items()
    }
    readers["generated"] = _recognizer(config, system.side).fit(*lessons["cured"])
    found = []
    for name, reader in readers.items():
        right = int((reader.predict(splits.test.images) == splits.test.require_labels()).sum())
        low, high = wilson_interval(right, len(splits.test))
        found.append(
            RecognitionRecord.model_validate(
                {
                    "trained_on": name,
                    "real": 0 if name == "generated" else len(splits.train),
                    "generated": 0 if name == "real" else GENERATED,
                    "accuracy": right / len(splits.test),
                    "low": low,
                    "high": high,
                }
            )
        )
    return tuple(found)


def _repair(folder: Path, system: System, test: ImageSet, cured: GAN, seed: int) -> RepairRecord:
    """A test image of each class whose middle is hidden, repaired by the images that the GAN can make."""
    labels = test.require_labels()
    places = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)[:SHOWN]]
    truth = test.take(places).in_memory()
    hidden = _middle(truth.shape[:3])
    damaged = np.where(hidden[..., None], np.uint8(0), truth)
    repaired = invert(cured, damaged, hidden, seed=seed).images
    picture = f"{PICTURES}/{system.number}-repair.png"
    save_png(repair_picture(truth, damaged, repaired), folder / picture)
    before, after = (psnr(squared_error(images, truth)) for images in (damaged, repaired))
    return RepairRecord(picture=picture, psnr_damaged=before, psnr_repaired=after)


def _middle(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Masks bool (N, H, W) of the middle square, half as wide as the images."""
    masks = np.zeros(shape, bool)
    _, height, width = shape
    masks[:, height // 4 : height - height // 4, width // 4 : width - width // 4] = True
    return masks
