"""Arms that learn to withstand attacks, by adversarial training, and how all are judged where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Shaping
from elmyr.studies.arms.arm import Arm, Training, pair
from elmyr.studies.cell_data import MOST_TESTED
from elmyr.studies.config import Effort, Measure
from elmyr.tasks.recognition import Recognizer, told_of_balance
from elmyr.tasks.recognition.learning.methods import read_method
from elmyr.tasks.recognition.learning.selection import LOOKS
from elmyr.tasks.recognition.robust.config import required
from elmyr.tasks.recognition.robust.judging import Attack

STEPS, RESTARTS = 40, 2  # of the PGD that arms are judged by
TROUBLES = ("imbalance", "label_noise", "labels_per_class")  # that no arm here is made for
SHARES: tuple[tuple[float, Effort], ...] = ((0.25, "standard"), (0.5, "quick"), (0.8, "standard"))
MAKING = 0.1  # the time in which generated images are made, in updates that attack them


def judging_attack(epsilon: float) -> Attack:
    """What arms are judged by: an image counts where no restart is misread."""
    return Attack(epsilon, STEPS, RESTARTS)


def judging_updates(method: str, validation: int, tested: int) -> float:
    """The time in which an arm's weights are chosen and judged under attack, in updates of its method.

    validation, tested: how many images are attacked.
    """
    config = read_method(method)
    assert config.robust is not None
    attacked = LOOKS * config.robust.judged_steps * validation + STEPS * RESTARTS * (validation + tested)
    return attacked / (config.batch * (config.robust.steps + 1))


def told_of_judging(epsilon: float) -> str:
    """By what a study under attack decides, in one line."""
    return (
        f"robust accuracy decides: of images that are attacked by {judging_attack(epsilon).told}, of each test part at "
        f"most {MOST_TESTED:,}"
    )


def read_under_attack(recognizer: Recognizer, images: ImageSet, epsilon: float) -> NDArray[np.int64]:
    """The labels int64 (N,) that a recognizer of numbered classes reads in attacked images."""
    labels = np.searchsorted(recognizer.classes_, images.require_labels())
    read = judging_attack(epsilon).read(recognizer.trained().net, images.images, labels)
    return np.asarray(recognizer.classes_[read], np.int64)


def refuse_beside(epsilon: float | None, troubles: Sequence[Shaping], *, borrows: bool, retrain: bool) -> None:
    """InputError for an epsilon that is none, or for what a study under attack has no arms for, or no images."""
    if epsilon is None:
        return
    required(epsilon)
    asked = [name for name in TROUBLES if any(getattr(trouble, name) for trouble in troubles)]
    options = [f"--{name.replace('_', '-')}" for name in asked] + (["--borrow"] if borrows else [])
    if options:
        raise InputError(
            f"no way to train withstands attacks and answers to {options[0]}, too: leave out --robust or {options[0]}"
        )
    if retrain:
        raise InputError(
            "a training under attack overfits, and ends where the validation part says so, which --retrain would learn "
            "from: leave out --retrain"
        )


def robust_measure(classes: Sequence[str], counts: Sequence[NDArray[np.int64]]) -> Measure:
    """What decides under attack; InputError where classes differ by 3:1 or more in a part, whose images count alike."""
    for of_part in counts:
        if told := told_of_balance(classes, of_part.tolist()):
            raise InputError(
                f"{told}, and a study under attack counts every image alike, so that the large ones would decide: "
                "leave out --robust, or give it a set whose classes differ less"
            )
    return "robust accuracy"


def _withstanding(training: Training) -> Recognizer:
    """One fit whose weights are chosen under attack on the validation part, which ends it where it overfits (Rice et
    al. 2020); where that part is learned from as well, the last weights are taken."""
    arm, ground = training.arm, training.ground
    given: dict[str, Any] = {"generated": ground.fresh()} if training.share else {}
    if ground.choosing is ground:
        given["validation"] = pair(ground.validation)
    return training.recognizer().fit(*pair(arm.images(ground)), **given, listener=training.listener)


def _arm(name: str, about: str, settings: dict[str, Any], effort: Effort = "quick", paper: str = "") -> Arm:
    return Arm(
        name,
        "robust",
        about,
        paper=paper or "Madry et al. 2018",
        effort=effort,
        parameters={"settings": settings},
        train=_withstanding,
        robust=True,
    )


def _mixed(real: str, settings: dict[str, Any], changed: str) -> tuple[Arm, ...]:
    return tuple(
        Arm(
            f"{real} + {100 * share:g} % generated",
            "gan-robust",
            f"real and generated images, {changed}attacked in training; {100 * share:g} % of each batch is generated, "
            "and no generated image comes twice",
            paper="Gowal et al. 2021",
            effort=effort,
            needs_run=True,
            shares=(share,),
            parameters={"settings": settings},
            train=_withstanding,
            cost=1 + MAKING,
            robust=True,
        )
        for share, effort in SHARES
    )


PLAIN: dict[str, Any] = {"augment": "none"}
CLASSICAL: dict[str, Any] = {"augment": "affine"}
WITHOUT_GAN = (
    _arm("robust", "the real training images, attacked in training", PLAIN),
    _arm("robust + classical", "the real training images, augmented, and attacked in training", CLASSICAL),
    _arm(
        "robust, TRADES",
        "the real training images, augmented; attacked, they are to be read as they are without",
        {**CLASSICAL, "robust.loss": "trades"},
        "standard",
        "Zhang et al. 2019",
    ),
)
WITH_GAN = (*_mixed("robust", PLAIN, ""), *_mixed("robust + classical", CLASSICAL, "augmented and "))
