"""What came of an attack: accuracy without it and under it, attack by attack and class by class, and its signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.metrics import Proportion, wilson_interval
from elmyr.tasks.recognition.attacks.epsilons import told_of
from elmyr.tasks.recognition.attacks.table import ATTACKS

NOTHING, ANSWERS, ALL = "nothing", "its answers", "all"  # what an attack knows of a restorer

SIGNS = {
    "black box": (
        "{title} fooled {fooled} images without gradients that the attacks by gradients before it had left: these may "
        "be masked, and the recognizer weaker than they show."
    ),
    "fewer steps": (
        "One step (FGSM) fooled {fooled} of {count} images that {steps} steps (PGD) did not: gradients mislead, and "
        "the recognizer may be weaker than attacks by gradients show."
    ),
    "no limit": (
        "With changes as large as an image allows PGD still left {share} of {count} images classified correctly, "
        "where it should leave none: gradients say little, and the recognizer may be weaker than attacks by them show."
    ),
    "weak attacks": (
        "Of {count} images FGSM, or PGD with {steps} steps, fooled {fooled} within \u03b5 = {epsilon} that the attacks "
        "had left: they are too weak for this recognizer, which withstands less than they show."
    ),
    "noise": ("Random noise fooled {fooled} images that the attacks had left: they are too weak for this recognizer."),
}


CHECKS = {
    "black box": "attacks without gradients found little that those by gradients had left.",
    "fewer steps": "one step did no more than many.",
    "no limit": "changes as large as an image allows fooled nearly all images.",
    "weak attacks": "FGSM, and PGD with 40 steps, found little that the attacks had left.",
    "noise": "random noise fooled no image that the attacks had left.",
}


class Sign(NamedTuple):
    """A sign that attacks by gradients show too little: its kind in `SIGNS`, and the values of that sentence."""

    kind: str
    values: Mapping[str, Any]

    @property
    def told(self) -> str:
        """The sentence."""
        return SIGNS[self.kind].format(**self.values)


@dataclass(frozen=True)
class AttackOutcome:
    """One attack at one ε. tried: images that were left to it; fooled: those of them that it made misread.

    knows: what it knows of a restorer before the recognizer: "nothing", "all", or "its answers" but no gradient of it.
    """

    name: str
    steps: int
    restarts: int
    tried: int
    fooled: int
    seconds: float
    knows: str = ALL


@dataclass(frozen=True)
class Level:
    """What is left at one ε. robust: images of each class that nothing made misread. noise: of all, under noise.

    unaware: of all, those that attacks which know nothing of a restorer leave; None without one.
    """

    epsilon: float
    attacks: tuple[AttackOutcome, ...]
    robust: NDArray[np.int64]
    noise: int
    unaware: int | None = None


def telling(levels: Sequence[Level], right: int) -> Level:
    """At which nearest to half of so many images are left: where all or none are fooled nothing is seen."""
    return min(levels, key=lambda level: abs(int(level.robust.sum()) / max(1, right) - 0.5))


@dataclass(frozen=True, eq=False)
class Example:
    """An image that was made misread. epsilon: the smallest of the asked ones at which it was.

    original, changed: float32 (H, W, C) in [0, 1]; label, predicted: places of classes; probability: of the prediction.
    """

    original: NDArray[np.float32]
    changed: NDArray[np.float32]
    label: int
    predicted: int
    probability: float
    epsilon: float
    attack: str


@dataclass(frozen=True)
class Robustness:
    """How easily a recognizer is fooled.

    data: the name of the images. count: of those that were attacked; asked: of those that were to be. counts, clean:
    images of each class, and those that were classified correctly without an attack. corruptions: the same by kinds of
    damage. checks: the kinds of signs that were looked for, seen or not. Accuracies are shares of all `count` images;
    an image that was misread without attack counts as fooled.
    """

    data: str
    attack: str
    norm: str
    classes: tuple[str, ...]
    count: int
    asked: int
    counts: NDArray[np.int64]
    clean: NDArray[np.int64]
    levels: tuple[Level, ...]
    corruptions: Mapping[str, int]
    signs: Sequence[Sign]
    seconds: float
    seed: int
    average: int = 1
    minutes: float | None = None
    checks: Sequence[str] = ()
    through: str | None = None
    examples: Sequence[Example] = field(default=(), repr=False)

    @property
    def clean_accuracy(self) -> Proportion:
        """Without an attack."""
        return self.share(int(self.clean.sum()))

    def robust_accuracy(self, level: Level) -> Proportion:
        """Of the images that neither an attack nor noise made misread, with its 95 % interval (Wilson)."""
        return self.share(int(level.robust.sum()))

    @property
    def telling(self) -> Level:
        """The ε that says most of single classes."""
        return telling(self.levels, int(self.clean.sum()))

    def share(self, right: int) -> Proportion:
        """So many of the images, with the interval."""
        return Proportion(right / self.count, *wilson_interval(right, self.count))

    def lines(self) -> list[str]:
        """The result in a few lines."""
        left = f" (of {self.asked:,} asked for; the time was up)" if self.count < self.asked else ""
        seen = f" (the mean of {self.average} views of each)" if self.average > 1 else ""
        lines = [
            f"{self.count:,} images of {self.data}{left}{seen}: accuracy {_told(self.clean_accuracy)}",
            *(
                f"under attack ({self.attack}, {self.norm}, \u03b5 = {told_of(level.epsilon)}): robust accuracy "
                f"{_told(self.robust_accuracy(level))}; under random noise {self.share(level.noise).value:.1%}"
                f"{self._told_of_unaware(level)}"
                for level in self.levels
            ),
        ]
        if self.corruptions:
            hardest, right = min(self.corruptions.items(), key=lambda one: one[1])
            lines.append(
                f"the worst of {len(self.corruptions)} kinds of damage ({hardest}) leaves {right / self.count:.1%}"
            )
        return lines + [sign.told for sign in self.signs]

    def _told_of_unaware(self, level: Level) -> str:
        if level.unaware is None:
            return ""
        return f"; under attacks that do not know of the restorer {self.share(level.unaware).value:.1%}"

    def table(self) -> list[list[str]]:
        """A row for each attack at each ε, under a head."""
        defended = self.through is not None
        head = ["epsilon", "attack", *(["knows of the restorer"] if defended else []), "uses", "steps"]
        return [[*head, "images left to it", "fooled"]] + [
            [
                told_of(level.epsilon),
                one.name,
                *([one.knows] if defended else []),
                ATTACKS[one.name].sees,
                f"{one.steps:,}" + (f" x {one.restarts}" if one.restarts > 1 else ""),
                f"{one.tried:,}",
                f"{one.fooled:,}",
            ]
            for level in self.levels
            for one in level.attacks
        ]

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON values, but for the images."""
        return {
            "data": self.data,
            "attack": self.attack,
            "norm": self.norm,
            "count": self.count,
            "asked": self.asked,
            "seed": self.seed,
            "average": self.average,
            "minutes": self.minutes,
            "through": self.through,
            "classes": list(self.classes),
            "counts": self.counts.tolist(),
            "clean": self.clean.tolist(),
            "clean_accuracy": self.clean_accuracy._asdict(),
            "levels": [self._level_as_json(level) for level in self.levels],
            "corruptions": {name: right / self.count for name, right in self.corruptions.items()},
            "checks": list(self.checks),
            "signs": [{"kind": sign.kind, "told": sign.told} for sign in self.signs],
            "seconds": round(self.seconds, 3),
        }

    def _level_as_json(self, level: Level) -> dict[str, Any]:
        return {
            "epsilon": level.epsilon,
            "robust_accuracy": self.robust_accuracy(level)._asdict(),
            "unaware_accuracy": None if level.unaware is None else self.share(level.unaware)._asdict(),
            "noise_accuracy": self.share(level.noise)._asdict(),
            "robust": level.robust.tolist(),
            "attacks": [
                asdict(one) | {"title": ATTACKS[one.name].title, "seconds": round(one.seconds, 3)}
                for one in level.attacks
            ],
        }


def _told(share: Proportion) -> str:
    return f"{share.value:.1%} (95 % interval {share.low:.1%} to {share.high:.1%})"
