"""Arms that learn from the real images alone: as they are, and by the policies of classical augmentation."""

from __future__ import annotations

from elmyr.studies.arms.arm import Arm, Training, pair
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.policy_choice import FEWEST, SHARE, chosen_policy, with_policy


def fitted_by_a_chosen_policy(training: Training) -> Recognizer:
    """One fit, by the policy that short trainings choose on validation: small changes where that is too small for it.

    Together they make as many updates as every arm.
    """
    ground, validation = training.ground, training.ground.validation
    choosing = len(validation) >= FEWEST
    updates = max(1, round(training.updates / (1 + SHARE))) if choosing else training.updates
    recognizer = training.recognizer({"updates": updates, "settings": {"augment": "auto"}})
    choice = None
    if choosing:
        choice = chosen_policy(recognizer, Lesson.of(*pair(ground.choosing.labeled), validation=pair(validation)))
    chosen = with_policy(recognizer, "affine" if choice is None else choice.policy)
    return chosen.fit(*pair(ground.labeled), listener=training.listener)


CLASSICAL = (
    Arm("real", "supervised", "the real training images"),
    Arm(
        "real + classical",
        "augment",
        "the real training images, with small turns, scalings, shears and shifts (no flips)",
    ),
    Arm(
        "real + strong",
        "strong",
        "the real training images, each with three strong changes of geometry and light (no flips)",
        paper="Cubuk et al. 2020",
    ),
    Arm(
        "real + mixup",
        "mixup",
        "the real training images, augmented, in weighted means of two images and of their labels",
        paper="Zhang et al. 2018",
        effort="standard",
    ),
    Arm(
        "real + cutmix",
        "cutmix",
        "the real training images, augmented; half of them with a window of another image, labeled by the areas",
        paper="Yun et al. 2019",
        effort="standard",
    ),
    Arm(
        "real + elastic",
        "elastic",
        "the real training images, augmented, and deformed smoothly as strokes of a hand are",
        paper="Simard et al. 2003",
        effort="thorough",
    ),
    Arm(
        "real + erasing",
        "erasing",
        "the real training images, augmented; a rectangle of half of them is replaced by noise",
        paper="Zhong et al. 2017",
        effort="thorough",
    ),
    Arm(
        "real + chosen augmentation",
        "augment",
        "the real training images, augmented as short trainings are best on validation, mirrored too where that does "
        "no harm",
        effort="thorough",
        train=fitted_by_a_chosen_policy,
    ),
)
