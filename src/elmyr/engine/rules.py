"""What "auto" means: a rule for each choice that may be automatic, of what is known of the images and the budget."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, open_source, split_source

AUTO = "auto"
LOGS, PREVIEWS, CHECKPOINTS = 100, 10, 10  # how many of each a run has
BUDGET, TINY_BUDGET = 200_000, 60_000  # images seen where no budget is given


@dataclass(frozen=True)
class Facts:
    """What the rules look at."""

    side: int  # pixels of the shorter side
    labeled: bool
    budget: int  # images seen

    @classmethod
    def of(cls, images: ImageSet, budget: int) -> Facts:
        """Those of an image set and a budget in images seen."""
        return cls(min(images.height, images.width), images.labels is not None, budget)

    @property
    def tiny(self) -> bool:
        """Below 16 pixels a side, where the networks have no strided stem and a channel costs four times as much."""
        return self.side < 16


@dataclass(frozen=True)
class Rule:
    """The value of one choice where it is "auto", and the rule in words. `value` also sees the other choices."""

    name: str
    words: str
    value: Callable[[Facts, Mapping[str, Any]], Any]


def _share_of_budget(count: int) -> Callable[[Facts, Mapping[str, Any]], int]:
    return lambda facts, choices: max(choices["batch"], facts.budget // count)


def _has_features(network: str) -> bool:
    from elmyr.nets import PAIRS  # needs torch

    return PAIRS.named(network).has_features


RULES = (
    Rule("batch", "16; 64 below 16 pixels a side", lambda facts, _: 64 if facts.tiny else 16),
    Rule("conditional", "with classes where the images have labels", lambda facts, _: facts.labeled),
    Rule(
        "network.base",
        "64 channels at the first level; 32 below 16 pixels a side, where the first level has the image's own size",
        lambda facts, _: 32 if facts.tiny else 64,
    ),
    Rule(
        "adversarial.learning_rate",
        "5e-4; 1e-3 below 16 pixels a side",
        lambda facts, _: 1e-3 if facts.tiny else 5e-4,
    ),
    Rule(
        "adversarial.discriminator_learning_rate",
        "twice the generator's",
        lambda _, choices: 2 * choices["adversarial.learning_rate"],
    ),
    Rule(
        "auxiliary.classification",
        "0.3 with classes, 0 without",
        lambda _, choices: 0.3 if choices["conditional"] and _has_features(choices["network.name"]) else 0.0,
    ),
    Rule(
        "penalties.r1",
        "3 at 32 pixels a side, by the square of the side",
        lambda facts, _: 3.0 * (facts.side / 32) ** 2,
    ),
    Rule("penalties.r2", "as `penalties.r1`", lambda _, choices: choices["penalties.r1"]),
    Rule("loop.log_every", "a hundredth of the budget, at least a batch", _share_of_budget(LOGS)),
    Rule("loop.preview_every", "a tenth of the budget, at least a batch", _share_of_budget(PREVIEWS)),
    Rule("loop.checkpoint_every", "a tenth of the budget, at least a batch", _share_of_budget(CHECKPOINTS)),
)


@dataclass(frozen=True)
class Resolved:
    """An automatic choice, what it became, and by which rule."""

    name: str
    value: Any
    words: str


def resolve(choices: Mapping[str, Any], facts: Facts) -> tuple[dict[str, Any], list[Resolved]]:
    """Choices of a preset, sections and all, with nothing left automatic; and what was."""
    flat = flattened(choices)
    done = []
    for rule in RULES:
        if flat.get(rule.name) == AUTO:
            flat[rule.name] = rule.value(facts, flat)
            done.append(Resolved(rule.name, flat[rule.name], rule.words))
    resolved: dict[str, Any] = {}
    for name, value in flat.items():
        section, _, inner = name.rpartition(".")
        (resolved.setdefault(section, {}) if section else resolved)[inner] = value
    return resolved, done


def flattened(choices: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Choices by dotted names, such as `penalties.r1`."""
    flat: dict[str, Any] = {}
    for key, value in choices.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat


def default_budget(images: ImageSet) -> int:
    """The images seen where no budget is given: 200,000, and 60,000 for tiny images."""
    return TINY_BUDGET if is_tiny(images) else BUDGET


def is_tiny(images: ImageSet) -> bool:
    """As `Facts.tiny`."""
    return Facts.of(images, 0).tiny


def epoch_and_batch(source: str | os.PathLike[str]) -> tuple[int, int]:
    """The training images of a source, and of them in a batch where nothing else is said; InputError as `open_source`.

    Only of digits and of a path, since other names may have to be downloaded first.
    """
    if os.fspath(source) != "digits" and not os.path.exists(source):
        raise InputError(f"there are no data at '{os.fspath(source)}'")
    images = split_source(open_source(source, choose_size=True), 0).train
    return len(images), RULES[0].value(Facts.of(images, 0), {})
