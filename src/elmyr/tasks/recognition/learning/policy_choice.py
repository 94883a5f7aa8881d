"""The policy that training images are changed by, chosen on the validation part by short trainings.

Each candidate trains a network of its own for a small share of the budget. Short trainings flatter weak changes, which
pay late; so of the candidates that are behind the best by no more than the standard error of their difference the
strongest is taken (the rule of one standard error, Breiman et al. 1984). Left-right flips are added where they do no
harm: where the taken one, which never saw a mirrored image, reads the validation part mirrored nearly as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from elmyr.core.errors import InputError
from elmyr.engine.loop import run_loop
from elmyr.engine.pace import MEASURED_SHARE, measured_speed
from elmyr.images import ImageSet
from elmyr.losses.policies import JOINT, NONE
from elmyr.metrics import is_unbalanced
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.learning.fitting import Fitting, method_of
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.recognition.learning.methods import AUTO
from elmyr.tasks.recognition.predicting.inference import logits_of
from elmyr.tasks.recognition.robust.judging import CHOOSING, Attack, spread

if TYPE_CHECKING:
    from elmyr.tasks.recognition.recognizer import Recognizer

CANDIDATES = (NONE, "affine", "affine+photometric", "affine+erasing", "affine+elastic", "strong")  # the strongest last
OF_COLOR = ("affine+photometric",)
SHARE = 0.25  # of the budget, for all of them
FEWEST, MOST = 50, 2000  # validation images that it takes to choose, and that are looked at
LOST_TO_MIRRORS = 0.1  # of what is read right beyond guessing: up to that there is no harm


@dataclass(frozen=True)
class PolicyChoice:
    """The policy that was chosen, and why.

    reached: the accuracy of each candidate, balanced where classes are unbalanced; mirrored: that of the taken one on
    mirrored images; judged: the number of validation images. attack: what these are changed by, where attacks are to be
    withstood.
    """

    policy: str
    reached: Mapping[str, float]
    mirrored: float
    judged: int
    attack: Attack | None = None

    @property
    def rule(self) -> str:
        """By what it was chosen, in a few words."""
        attacked = "" if self.attack is None else f", attacked by {self.attack.told}"
        return f"chosen by short trainings on {self.judged:,} validation images{attacked}, for {SHARE:.0%} more updates"

    @property
    def told(self) -> str:
        """The choice in one line."""
        figures = ", ".join(f"{name} {value:.1%}" for name, value in self.reached.items())
        return (
            f"training images are changed by {self.policy}, {self.rule}: {figures}; mirrored images {self.mirrored:.1%}"
        )


def chosen_policy(recognizer: Recognizer, lesson: Lesson, teacher: Recognizer | None = None) -> PolicyChoice | None:
    """The policy where the recognizer's is "auto", else None; InputError without a validation part to choose by.

    The same for the same recognizer and lesson. It takes `SHARE` of the recognizer's budget, beside it.
    """
    _, config = method_of(recognizer, lesson)
    if config.augment != AUTO:
        return None
    attack = None if config.robust is None else Attack.of_config(config.robust)
    judges = _judges(lesson.validation, attack)
    names = [name for name in CANDIDATES if lesson.shape[2] == 3 or name not in OF_COLOR]
    updates = max(1, round(SHARE * config.updates / len(names)))
    blind = replace(lesson, validation=None)
    nets = {name: _short_training(with_policy(recognizer, name, updates), blind, teacher) for name in names}
    right = {name: _counted_right(net, judges, attack) for name, net in nets.items()}
    taken = strongest_of_the_best(right)
    flipped = replace(judges, images=np.asarray(judges.images[:])[:, :, ::-1].copy())
    mirrored = _counted_right(nets[taken], flipped, attack)
    parts = [name for name in (taken, "flips" if _harmless(right[taken], mirrored, judges) else NONE) if name != NONE]
    reached = {name: float(each.sum()) for name, each in right.items()}
    return PolicyChoice(JOINT.join(parts) or NONE, reached, float(mirrored.sum()), len(judges), attack)


def within_seconds(
    recognizer: Recognizer, lesson: Lesson, seconds: float, teacher: Recognizer | None = None
) -> Recognizer:
    """A copy with as many updates as fit into so many seconds beside the choice of its policy, measured here.

    One whose policy is not "auto" comes back as it is.
    """
    _, config = method_of(recognizer, lesson)
    if config.augment != AUTO:
        return recognizer
    fitting = Fitting(with_policy(recognizer, CANDIDATES[-1]), replace(lesson, validation=None), teacher)
    speed = measured_speed(fitting.task, fitting.data, config.batch, seconds=MEASURED_SHARE * seconds)
    updates = int((1 - MEASURED_SHARE) * seconds / (1 + SHARE) * speed / config.batch)
    return clone(recognizer).set_params(updates=max(1, updates))  # type: ignore[no-any-return]  # as below


def with_policy(recognizer: Recognizer, policy: str, updates: int | None = None) -> Recognizer:
    """A copy of the recognizer with this policy, and with another number of updates where one is given."""
    settings = {**(recognizer.settings or {}), "augment": policy}
    if updates is None:
        return clone(recognizer).set_params(settings=settings)  # type: ignore[no-any-return]  # scikit-learn has no types
    settings.pop("updates", None)
    return clone(recognizer).set_params(settings=settings, updates=updates)  # type: ignore[no-any-return]  # as above


def strongest_of_the_best(right: Mapping[str, NDArray[np.float64]]) -> str:
    """The last of the candidates that are behind the best by at most the standard error of the difference.

    right: for each candidate, weak ones first, what every judged image counts where it was classified correctly, else
    0, (N,).
    """
    best = max(right.values(), key=lambda each: each.sum())
    behind = {name: best - each for name, each in right.items()}
    return [name for name, each in behind.items() if each.sum() <= np.sqrt(len(each)) * each.std()][-1]


def _short_training(recognizer: Recognizer, lesson: Lesson, teacher: Recognizer | None) -> StridedClassifier:
    fitting = Fitting(recognizer, lesson, teacher)
    run_loop(fitting.task, fitting.data, fitting.course)
    net: StridedClassifier = fitting.task.average
    return net


def _judges(validation: ImageSet | None, attack: Attack | None) -> ImageSet:
    """So many of the validation images, spread over all of them; fewer where they are attacked."""
    if validation is None or len(validation) < FEWEST:
        there = "there is none" if validation is None else f"this one has {len(validation)}"
        raise InputError(
            f"augment=auto is chosen on a validation part of at least {FEWEST} images, and {there}: name a policy, as "
            "augment=strong"
        )
    if attack is not None:
        return spread(validation)
    return validation.take(np.unique(np.linspace(0, len(validation) - 1, MOST).astype(np.int64)))


def _weights(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each image counts, (N,), of sum 1: all alike, or all classes alike where they are unbalanced."""
    counts = np.bincount(labels)
    if not is_unbalanced(counts):
        return np.full(len(labels), 1 / len(labels))
    return np.asarray(1 / (np.count_nonzero(counts) * counts[labels]))


def _counted_right(net: StridedClassifier, judges: ImageSet, attack: Attack | None = None) -> NDArray[np.float64]:
    labels = judges.require_labels()
    if attack is not None:
        read = attack.read(net, judges.images, labels, CHOOSING)
    else:
        read = logits_of(net, judges.images).argmax(1)
    return np.where(read == labels, _weights(labels), 0.0)


def _harmless(right: NDArray[np.float64], mirrored: NDArray[np.float64], judges: ImageSet) -> bool:
    """Whether mirrored images are read as well, where anything is read better than by guessing."""
    labels = judges.require_labels()
    guessed = np.bincount(labels, _weights(labels)).max()
    known = right.sum() - guessed
    unsure = 2 * np.sqrt(len(right)) * right.std()
    return bool(known > unsure and mirrored.sum() - guessed >= (1 - LOST_TO_MIRRORS) * known)
