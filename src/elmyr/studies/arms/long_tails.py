"""Arms against classes that differ in size by 3:1 or more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elmyr.core import seeds
from elmyr.images import ImageSet
from elmyr.studies.arms.arm import Arm, Case
from elmyr.studies.cell_data import CellData
from elmyr.tasks.recognition import GanOverSampler, resampled


def _unbalanced(case: Case) -> bool:
    return case.unbalanced


def _resampled(how: str) -> Callable[[CellData], ImageSet]:
    return lambda ground: resampled(ground.labeled, how=how, seed=ground.seed)


def _filled_by_gan(ground: CellData) -> ImageSet:
    images = ground.labeled
    sampler = GanOverSampler(gan=ground.gan, generated_share=1.0, random_state=seeds.LEARNED_FROM)
    pixels, names = sampler.fit_resample(images.images, np.array(images.classes)[images.require_labels()])
    number_of = {name: number for number, name in enumerate(images.classes)}
    return ImageSet(pixels, np.array([number_of[name] for name in names], np.int64), images.classes)


WITHOUT_GAN = (
    Arm(
        "class weights",
        "augment",
        "augmented; an image of a rare class counts more in the loss",
        parameters={"class_weight": "balanced"},
        where=_unbalanced,
    ),
    Arm(
        "over-sampling",
        "augment",
        "augmented; images of rare classes are repeated until all are as large",
        images=_resampled("random"),
        where=_unbalanced,
        needs="imblearn",
    ),
    Arm(
        "SMOTE",
        "augment",
        "augmented; rare classes are filled with mixtures of two of their images that are alike",
        paper="Chawla et al. 2002",
        images=_resampled("smote"),
        where=_unbalanced,
        needs="imblearn",
    ),
)
WITH_GAN = (
    Arm(
        "GAN over-sampling",
        "augment",
        "augmented; rare classes are filled with images of the GAN until all are as large",
        needs_run=True,
        images=_filled_by_gan,
        where=_unbalanced,
        needs="imblearn",
    ),
)
