"""The images that people are asked about: real ones that no network has seen, and generated ones of their classes."""

from __future__ import annotations

import os
from collections.abc import Mapping

from elmyr import seeds
from elmyr.evaluation.sides import first_of, sample_beside
from elmyr.evaluation.survey import GENERATED, REAL
from elmyr.gan import GAN
from elmyr.images import ImageSet
from elmyr.training.plan import config_of, splits_of
from elmyr.training.rundir import RunDirectory

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
