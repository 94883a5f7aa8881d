"""What became of a training: its figures, the classes that it makes, what the monitor saw, and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from elmyr.core.files import make_folder, read_json
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation import evaluate
from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.images import ImageSet, save_png
from elmyr.studies.articles.config import ArticlesConfig
from elmyr.studies.articles.pictures import course_picture, samples_picture
from elmyr.studies.articles.places import PICTURES, run_of
from elmyr.studies.articles.record import TrainingRecord
from elmyr.studies.articles.systems import System
from elmyr.studies.articles.trainings import Training
from elmyr.tasks.gan.collapse import collapse_in
from elmyr.tasks.gan.model import GAN

READ = 1000  # samples whose classes are counted


def judged(
    folder: Path,
    config: ArticlesConfig,
    system: System,
    training: Training,
    real: ImageSet,
    *,
    quiet: bool = True,
) -> TrainingRecord:
    """The record of a finished training; `real` are the training images. Writes its pictures."""
    run, data = run_of(folder, system, training), config.of(system.side)
    gan = GAN.load(run.path, device=config.device, precision=config.precision)
    evaluation = evaluate(run, data_root=data.root, device=config.device, precision=config.precision, quiet=quiet)
    summary, place = read_json(run.summary), str(run.path.relative_to(folder).as_posix())
    collapse = collapse_in(summary)
    picture, course = _pictures(folder, run, gan, f"{system.number}-{training.slug}")
    return TrainingRecord(
        name=training.name,
        kind=training.kind,
        run=place,
        preset=training.preset,
        settings=dict(training.settings),
        images=summary["images"],
        epochs=round(summary["images"] / len(real), 2),
        seconds=summary["seconds"],
        evaluation=evaluation.as_json() | {"subject": place},
        classes_found=_classes_found(gan, real, config),
        troubles=tuple(summary.get("troubles", ())),
        collapse=None if collapse is None else collapse.sentence,
        picture=picture,
        course=course,
    )


def ended_early(
    folder: Path, system: System, training: Training, diverged: dict[str, Any], real: ImageSet
) -> TrainingRecord:
    """The record of a training that diverged, of what was kept of its end."""
    images = int(diverged["images"])
    return TrainingRecord(
        name=training.name,
        kind=training.kind,
        run=str(run_of(folder, system, training).path.relative_to(folder).as_posix()),
        preset=training.preset,
        settings=dict(training.settings),
        images=images,
        epochs=round(images / len(real), 2),
        seconds=diverged["seconds"],
        diverged=diverged["told"],
    )


def _classes_found(gan: GAN, real: ImageSet, config: ArticlesConfig) -> tuple[int, ...]:
    """How many of some samples the feature extractor, a recognizer of the real training images, reads as each class."""
    reader = extractor_for(real, Extraction(device=config.device, precision=config.precision))
    likely = reader.probabilities(reader.features(gan.sample(READ, balanced=True)))
    assert likely is not None  # images with labels have an extractor that reads them
    return tuple(np.bincount(likely.argmax(1), minlength=len(real.classes)).tolist())


def _pictures(folder: Path, run: RunDirectory, gan: GAN, name: str) -> tuple[str, str | None]:
    """The files of the samples and of the course, relative to the folder."""
    make_folder(folder / PICTURES)
    picture, course = f"{PICTURES}/{name}.png", f"{PICTURES}/{name}-course.png"
    save_png(samples_picture(run), folder / picture)
    drawn = course_picture(run, gan.config)
    if drawn is not None:
        save_png(drawn, folder / course)
    return picture, None if drawn is None else course
