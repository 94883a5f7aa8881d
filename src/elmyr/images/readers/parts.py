"""Which files or folders hold training images and which test images: told by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from elmyr.core.notes import note
from elmyr.images.dataset.passed_over import examples

Part = Literal["train", "validation", "test"]

PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
PARTS_IN_ORDER: tuple[Part, ...] = ("train", "validation", "test")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
WORD = re.compile(r"[a-z]+")
ENDING = re.compile(r"(set|data|images|imgs|labels)$")


class Divided(NamedTuple):
    """Paths by their part, in their order; `others` are in none."""

    training: list[Path]
    validation: list[Path]
    testing: list[Path]
    others: list[Path]


def part_of(name: str) -> Part | None:
    """The part that a name begins with, as `train2017`, `Test-set` and `valImages` do."""
    words = _words(name)
    return _part(words[0]) if words else None


def divided(paths: Sequence[Path]) -> Divided | None:
    """Paths by the parts that their names begin with, or end with where all else is the same (`x_train`, `x_test`).

    None where they tell of no parts: all must, and one be for training; or there are parts for training and for
    something else, with other things beside them.
    """
    words = [_words(path.stem) for path in paths]
    ends = [_part(of_path[-1]) if of_path[1:] else None for of_path in words]
    beginnings = {tuple(of_path[:-1]) for of_path, end in zip(words, ends, strict=True) if end is not None}
    for parts in ([part_of(path.stem) for path in paths], ends if len(beginnings) == 1 else []):
        found = set(parts)
        if found - {None, "test"} if None not in found else "train" in found and len(found) > 2:
            named = list(zip(paths, parts, strict=True))
            return Divided(*([path for path, own in named if own == part] for part in (*PARTS_IN_ORDER, None)))
    return None


def _words(name: str) -> list[str]:
    return WORD.findall(CAMEL.sub("_", name).lower())


def _part(word: str) -> Part | None:
    return PARTS.get(word, PARTS.get(ENDING.sub("", word)))


def training_and_test(paths: Sequence[Path]) -> tuple[list[Path], list[Path]] | None:
    """The paths of training and of test images; None where names tell of no parts.

    Validation images count as training images: elmyr splits these itself. That, and what is passed over, is told.
    """
    found = divided(paths)
    if found is None:
        return None
    if found.validation and found.training:
        note(
            f"{examples(path.name for path in found.validation)} counts as training images: each split has a "
            "validation part of its own"
        )
    if found.others:
        note(f"beside the training and test parts {examples(path.name for path in found.others)} is passed over")
    kept = {*found.training, *found.validation}
    return [path for path in paths if path in kept], found.testing
