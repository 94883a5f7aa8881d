"""The images that people are asked about: real ones that no network has seen, and generated ones of their classes."""

from __future__ import annotations

import os
from collections.abc import Mapping

from elmyr.core import seeds
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.paired_samples import first_of, sample_beside
from elmyr.evaluation.people.survey import GENERATED, REAL
from elmyr.images import ImageSet
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.plan import config_of, splits_of

MOST = 500  # images of each side


def real_to_ask_about(run: RunDirectory, *, data_root: str | os.PathLike[str] | None = None) -> ImageSet:
    """Test images of a run, in the same order always."""
    return first_of(splits_of(config_of(run), data_root).test, MOST)


def generated_beside(
    run: RunDirectory, real: ImageSet, *, device: str = "auto", precision: str = "auto"
) -> Mapping[str, ImageSet]:
    """The real images and as many generated ones with the same labels, in the same order: "real" and "generated"."""
    gan = GAN.load(run.path, device=device, precision=precision)
    return {REAL: real, GENERATED: sample_beside(gan, real, seeds.SURVEYED)}


def classes_of(images: ImageSet) -> list[str]:
    """The name of each image's class, "" without classes."""
    if images.labels is None:
        return [""] * len(images)
    return [images.classes[label] for label in images.labels.tolist()]
