"""Arms that borrow from a set of other classes: by pretraining, by varying one's own images, and by both."""

from __future__ import annotations

from elmyr.core import seeds
from elmyr.studies.arms.arm import Arm, Case, Training, fitted_once, pair
from elmyr.studies.borrowed.variators import borrowed_images, variations
from elmyr.studies.config import Effort
from elmyr.tasks.recognition import Recognizer

FIRST = 0.5  # of the updates, which learn the borrowed classes


def _borrows(case: Case) -> bool:
    return case.borrows


def pretrained(training: Training) -> Recognizer:
    """Learns the classes of the borrowed set first, then its own, beginning with the network that it has by then."""
    first = round(FIRST * training.updates)
    seed = seeds.derive(training.arm.seed(training.ground.seed), "pretraining")
    before = training.recognizer({"updates": max(1, first), "seed": seed})
    start = before.fit(*pair(borrowed_images(training.ground)), listener=training.listener)
    return fitted_once(training, {"updates": max(1, training.updates - first)}, start=start)


def _varied(real: str, method: str, about: str, share: float, effort: Effort = "quick") -> Arm:
    return Arm(
        f"{real} + {100 * share:g} % varied",
        method,
        f"{about}; {100 * share:g} % of each batch is made of them by a generator that varies images as those of a "
        "borrowed class differ",
        paper="Antoniou et al. 2017",
        effort=effort,
        varies=True,
        shares=(share,),
        generated=variations,
        where=_borrows,
    )


WITHOUT_GAN = (
    Arm(
        "pretrained",
        "augment",
        "the borrowed classes first, then the real training images, beginning with that network, all augmented",
        paper="Yosinski et al. 2014",
        train=pretrained,
        where=_borrows,
    ),
    Arm(
        "pretrained, strong",
        "strong",
        "the borrowed classes first, then the real training images, all with strong changes",
        paper="Yosinski et al. 2014",
        effort="standard",
        train=pretrained,
        where=_borrows,
    ),
)
WITH_GAN = (
    _varied("real + classical", "augment", "the real training images, augmented", 0.25),
    _varied("real + classical", "augment", "the real training images, augmented", 0.5),
    Arm(
        "pretrained + 50 % varied",
        "augment",
        "the borrowed classes first, then the real training images and as many variations of them, all augmented",
        paper="Antoniou et al. 2017",
        varies=True,
        shares=(0.5,),
        generated=variations,
        train=pretrained,
        where=_borrows,
    ),
    _varied("real + strong", "strong", "the real training images, with strong changes", 0.5, "standard"),
)
