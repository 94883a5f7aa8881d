"""The images that people are asked about: real ones that no network has seen, and generated ones of their classes."""

from __future__ import annotations

import os
from collections.abc import Mapping

from elmyr.evaluation.sides import first_of, sample_beside
from elmyr.evaluation.survey import GENERATED, REAL
from elmyr.gan import GAN
from elmyr.images import ImageSet
from elmyr.training.plan import config_of, splits_of
from elmyr.training.rundir import RunDirectory

MOST = 500  # images of each side
SEED = 6  # of the samples; lower ones are shown in reports or judged


def images_to_ask_about(
    run: RunDirectory,
    *,
    data_root: str | os.PathLike[str] | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Mapping[str, ImageSet]:
    """Test images and as many generated ones with the same labels: "real" and "generated", in the same order always."""
    gan = GAN.load(run.path, device=device, precision=precision)
    real = first_of(splits_of(config_of(run), data_root).test, MOST)
    return {REAL: real, GENERATED: sample_beside(gan, real, SEED)}


def classes_of(images: ImageSet) -> list[str]:
    """The name of each image's class, "" without classes."""
    if images.labels is None:
        return [""] * len(images)
    return [images.classes[label] for label in images.labels.tolist()]
