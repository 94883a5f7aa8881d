"""Arms against classes that differ in size by 3:1 or more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from elmyr.core import seeds
from elmyr.engine.config import parse_settings
from elmyr.images import ImageSet
from elmyr.studies.arms.arm import Arm, Case
from elmyr.studies.borrowed.variators import variator_of
from elmyr.studies.cell_data import CellData
from elmyr.tasks.recognition import GanOverSampler, resampled
from elmyr.tasks.variation.groups import FEWEST


def _unbalanced(case: Case) -> bool:
    return case.unbalanced


def _unbalanced_and_telling(case: Case) -> bool:
    """Whether the study's own large classes have enough labeled images to tell how these differ."""
    most = (case.trouble.labels_per_class, case.trouble.images_per_class)
    return case.unbalanced and not case.borrows and all(each is None or each >= FEWEST for each in most)


def _resampled(how: str) -> Callable[[CellData], ImageSet]:
    return lambda ground: resampled(ground.labeled, how=how, seed=ground.seed)


def _filled_by_gan(share: float) -> Callable[[CellData], ImageSet]:
    return lambda ground: _filled(
        ground.labeled, GanOverSampler(generated_share=share, gan=ground.gan, random_state=seeds.LEARNED_FROM)
    )


def _filled_by_balanced_gan(ground: CellData) -> ImageSet:
    """By a GAN of the study's budget that is trained here, on batches that have all classes alike."""
    config = ground.config
    sampler = GanOverSampler(
        preset=config.preset,
        images=config.images,
        settings=parse_settings(config.settings),
        random_state=ground.seed,
        device=ground.device,
        precision=ground.precision,
    )
    return _filled(ground.labeled, sampler)


def _filled_by_variations(ground: CellData) -> ImageSet:
    """By repeated images, every fourth of which gives way to a variation of it."""
    filled, own = resampled(ground.labeled, how="random", seed=ground.seed), len(ground.labeled)
    places = np.arange(own + VARIED - 1, len(filled), VARIED)
    if not len(places):
        return filled
    pixels = filled.in_memory().copy()
    pixels[places] = variator_of(ground).each_of(filled.take(places), seed=seeds.LEARNED_FROM).images
    return replace(filled, images=pixels)


def _filled(images: ImageSet, sampler: GanOverSampler) -> ImageSet:
    pixels, names = sampler.fit_resample(images.images, np.array(images.classes)[images.require_labels()])
    number_of = {name: number for number, name in enumerate(images.classes)}
    return ImageSet(pixels, np.array([number_of[name] for name in names], np.int64), images.classes)


VARIED = 4  # one of so many repeated images


WITHOUT_GAN = (
    Arm(
        "class weights",
        "augment",
        "augmented; an image of a rare class counts more in the loss",
        parameters={"class_weight": "balanced"},
        where=_unbalanced,
    ),
    Arm(
        "adjusted logits",
        "augment",
        "augmented; the log of each class's share is added to its logit in training",
        paper="Menon et al. 2021",
        effort="standard",
        parameters={"class_weight": "logit-adjusted"},
        where=_unbalanced,
    ),
    Arm(
        "decoupled",
        "decoupled",
        "augmented; the last layer is learned anew with all classes alike",
        paper="Kang et al. 2020",
        effort="standard",
        where=_unbalanced,
    ),
    Arm(
        "feature over-sampling",
        "feature-oversampling",
        "augmented; the last layer is learned anew with all classes alike, from features of rare classes that are "
        "drawn as those of large ones differ",
        paper="Yin et al. 2019",
        effort="thorough",
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
        "over-sampling + strong",
        "strong",
        "with strong changes; images of rare classes are repeated until all are as large",
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
        "over-sampling + 25 % generated",
        "augment",
        "augmented; rare classes are filled with repeated images and, to a quarter, images of the GAN",
        needs_run=True,
        images=_filled_by_gan(0.25),
        where=_unbalanced,
        needs="imblearn",
    ),
    Arm(
        "over-sampling + strong + 25 % generated",
        "strong",
        "with strong changes; rare classes are filled with repeated images and, to a quarter, images of the GAN",
        needs_run=True,
        images=_filled_by_gan(0.25),
        where=_unbalanced,
        needs="imblearn",
    ),
    Arm(
        "over-sampling + 25 % generated, balanced GAN",
        "augment",
        "augmented; rare classes are filled as well, by a GAN of the arm's own that sees all classes equally often",
        effort="standard",
        trains_gan=True,
        images=_filled_by_balanced_gan,
        where=_unbalanced,
        needs="imblearn",
    ),
    Arm(
        "over-sampling + 25 % varied",
        "augment",
        "augmented; rare classes are filled with repeated images and, to a quarter, variations of these by a generator "
        "that varies images as those of large classes differ",
        paper="Antoniou et al. 2017",
        effort="thorough",
        varies=True,
        images=_filled_by_variations,
        where=_unbalanced_and_telling,
        needs="imblearn",
    ),
)
OLDER = (  # what studies tried before repeated images stood beside the generated ones
    Arm(
        "GAN over-sampling",
        "augment",
        "augmented; rare classes are filled with images of the GAN",
        needs_run=True,
        images=_filled_by_gan(1.0),
        where=lambda case: False,
        needs="imblearn",
    ),
)
