"""Arms that learn from generated images without an end: each is shown once, and which ones, and how, is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.files import read_json, write_json
from elmyr.studies.arms.arm import Arm, Training, pair
from elmyr.studies.cell_data import CellData
from elmyr.tasks.recognition import FreshSamples, Recognizer
from elmyr.tasks.recognition.generated.generated_choice import MOST_TRIED, Recipe, chosen_recipe
from elmyr.tasks.recognition.learning.chosen_samples import Choice

MORE_VARIED = 1.2  # the factor of latents
HARDEST = 0.5
SHORT = 0.08  # of the updates of the last training, for each recipe that is tried
MAKING = 0.5  # the time in which generated images are made, in updates that show them
RIVAL = 1.0  # the time of the recognizer that judges them


def _beside(samples: Callable[[CellData], FreshSamples]) -> Callable[[Training], Recognizer]:
    """One fit, on the arm's labeled images and generated ones, of which none is shown twice."""
    return lambda training: _fitted(training, training.recognizer(), samples(training.ground))


def _fitted(training: Training, recognizer: Recognizer, samples: FreshSamples) -> Recognizer:
    images = training.arm.images(training.ground)
    return recognizer.fit(*pair(images), generated=samples, listener=training.listener)


def _by_chosen_recipe(training: Training) -> Recognizer:
    """One fit by the recipe that short trainings have chosen on the validation part.

    They have a seed of their own and are thrown away: what is kept of them is the recipe, and no lucky training. All
    together make as many updates as every arm.
    """
    recipe = _recipe(training)
    changes = {"generated_share": recipe.share, "updates": _last_updates(training)}
    return _fitted(training, training.recognizer(changes), _samples(training.ground, recipe))


def _last_updates(training: Training) -> int:
    return max(1, int(training.updates / (1 + MOST_TRIED * SHORT)))


def _samples(ground: CellData, recipe: Recipe) -> FreshSamples:
    return ground.fresh(truncation=recipe.truncation, checkpoint=recipe.checkpoint)


def _recipe(training: Training) -> Recipe:
    """The arm's recipe, chosen once: a later training, with the validation images as well, has it from the disk."""
    ground = training.ground
    if (kept := kept_recipe(ground, training.arm)) is not None:
        return kept
    recipe, tried = chosen_recipe(lambda each: _scores(training, each), ground.checkpoints)
    file = _file_of_recipe(ground, training.arm)
    file.parent.mkdir(exist_ok=True)
    told = [{"recipe": vars(each.recipe), "reached": each.reached} for each in tried]
    write_json(file, {"recipe": vars(recipe), "tried": told})
    return recipe


def kept_recipe(ground: CellData, arm: Arm) -> Recipe | None:
    """The recipe that an arm has chosen; None for an arm that chooses none, or has not yet."""
    file = _file_of_recipe(ground, arm)
    return Recipe(**read_json(file)["recipe"]) if file.is_file() else None


def _file_of_recipe(ground: CellData, arm: Arm) -> Path:
    name = arm.name.replace(" ", "-")
    return ground.study / "choices" / f"{ground.cell.folder}-seed-{ground.seed}-{name}.json"


def _scores(training: Training, recipe: Recipe) -> NDArray[np.float64]:
    """What a short training by a recipe reaches on each validation image (N,), whose mean is the cell's measure."""
    ground = training.ground
    recognizer = training.recognizer(
        {
            "generated_share": recipe.share,
            "updates": max(1, int(SHORT * _last_updates(training))),
            "seed": seeds.derive(ground.seed, "short training"),
        }
    )
    recognizer.fit(*pair(training.arm.images(ground.choosing)), generated=_samples(ground, recipe))
    labels = ground.validation.require_labels()
    right = np.asarray(recognizer.predict(ground.validation.images) == labels, np.float64)
    if ground.cell.measure == "accuracy":
        return right
    counts = np.bincount(labels)
    return np.asarray(right * len(labels) / (np.count_nonzero(counts) * counts[labels]), np.float64)


def _plain(ground: CellData) -> FreshSamples:
    return ground.fresh()


def _more_varied(ground: CellData) -> FreshSamples:
    return ground.fresh(truncation=MORE_VARIED)


def _hardest(ground: CellData) -> FreshSamples:
    return ground.fresh(choice=Choice(reader=ground.rival, hardest=HARDEST, demanding=False))


def _softly_labeled(ground: CellData) -> FreshSamples:
    return ground.fresh(soft=ground.rival)


FRESH = (
    Arm(
        "real + classical + 50 % fresh generated",
        "augment",
        "real and generated images, augmented; half of each batch is generated, and no generated image comes twice",
        paper="Lampis et al. 2023",
        effort="standard",
        needs_run=True,
        shares=(0.5,),
        train=_beside(_plain),
        cost=1 + MAKING,
    ),
    Arm(
        "generated first, then real",
        "gan-first",
        "generated images first, then the real ones at a tenth of the learning rate, all augmented",
        paper="Li et al. 2024",
        effort="standard",
        needs_run=True,
        shares=(0.5,),
        train=_beside(_plain),
        cost=1 + MAKING,
    ),
    Arm(
        "real + classical + 50 % more varied generated",
        "augment",
        "real and generated images, augmented; half of each batch is generated, from latents farther from the middle",
        paper="Lampis et al. 2023",
        effort="thorough",
        needs_run=True,
        shares=(0.5,),
        train=_beside(_more_varied),
        cost=1 + MAKING,
    ),
    Arm(
        "real + classical + 50 % hard generated",
        "augment",
        "real and generated images, augmented; half of each batch is generated: images that a recognizer of the "
        "real ones classifies as requested, and is least sure of",
        effort="thorough",
        needs_run=True,
        shares=(0.5,),
        train=_beside(_hardest),
        cost=1 + MAKING / HARDEST + RIVAL,
    ),
    Arm(
        "real + classical + 50 % generated, soft labels",
        "augment",
        "real and generated images, augmented; half of each batch is generated, labeled by the probabilities of a "
        "recognizer of the real ones",
        paper="Ding et al. 2021",
        effort="thorough",
        needs_run=True,
        shares=(0.5,),
        train=_beside(_softly_labeled),
        cost=1 + MAKING + RIVAL,
    ),
    Arm(
        "discriminator first, then real",
        "features-first",
        "what the discriminator of the GAN sees in all images first, then the labels of the real ones, augmented",
        paper="Radford et al. 2016",
        effort="thorough",
        needs_run=True,
        shares=(0.5,),
        train=_beside(_plain),
        cost=1 + MAKING,
    ),
    *(
        Arm(
            f"{real} + chosen generated",
            method,
            f"{told}; share, truncation and checkpoint of the GAN are chosen on validation by short trainings",
            paper="Lampis et al. 2023",
            effort="thorough",
            needs_run=True,
            shares=(0.5,),
            train=_by_chosen_recipe,
            cost=1 + MAKING,
        )
        for real, method, told in (
            ("real", "supervised", "the real training images beside generated ones"),
            ("real + classical", "augment", "real and generated images, augmented"),
            ("real + strong", "strong", "real and generated images, each changed by three of many kinds"),
        )
    ),
)
