"""Arms that borrow from a set of other classes: by pretraining, by varying one's own images, and by both."""

from __future__ import annotations

from dataclasses import replace

from elmyr.core import seeds
from elmyr.studies.arms.arm import Arm, Case, Training, fitted_once, pair
from elmyr.studies.borrowed.variators import borrowed_images, variations
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


def _pretrained(name: str, method: str, about: str) -> Arm:
    return Arm(name, method, about, paper="Yosinski et al. 2014", train=pretrained, where=_borrows)


def _varied(name: str, method: str, about: str, share: float = 0.5) -> Arm:
    return Arm(
        f"{name} + {100 * share:g} % varied",
        method,
        f"{about}; {100 * share:g} % of each batch is made of them by a generator that varies images as those of a "
        "borrowed class differ",
        paper="Antoniou et al. 2017",
        varies=True,
        shares=(share,),
        generated=variations,
        where=_borrows,
    )


REAL, REAL_STRONG = "the real training images, augmented", "the real training images, with strong changes"
FIRST_BORROWED = "the borrowed classes first, then the real training images, beginning with that network, all augmented"
FIRST_BORROWED_STRONG = "the borrowed classes first, then the real training images, all with strong changes"
WITHOUT_GAN = (
    _pretrained("pretrained", "augment", FIRST_BORROWED),
    _pretrained("pretrained, strong", "strong", FIRST_BORROWED_STRONG),
)
WITH_GAN = (
    _varied("real + classical", "augment", REAL, 0.25),
    _varied("real + classical", "augment", REAL),
    _varied("real + strong", "strong", REAL_STRONG),
    replace(_varied("pretrained", "augment", FIRST_BORROWED), train=pretrained),
    replace(_varied("pretrained, strong", "strong", FIRST_BORROWED_STRONG), train=pretrained),
)
