"""Two sources opened together: A with its labels, B without, and in pairs where they are told by their names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from elmyr.core.errors import InputError
from elmyr.images import AS_IT_IS, ImageSet, Shaping, Source, Splits, image_names, open_source, split_source
from elmyr.images.decode.encoded import shown
from elmyr.tasks.translation.translator import require_alike

NAMED = 3  # names that a message lists

Place = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Domains:
    """The splits of A and of B, by one seed; the shaping that was settled for A, and the range of the values of B."""

    a: Splits
    b: Splits
    paired: bool
    shaping: Shaping = AS_IT_IS
    of_b: Shaping = AS_IT_IS


def open_domains(
    a: Place,
    b: Place,
    *,
    paired: bool,
    seed: int,
    data_root: Place | None = None,
    shaping: Shaping = AS_IT_IS,
    of_b: Shaping | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Domains:
    """The images of both kinds, in the form of `shaping`, whose choice is made among A alone.

    of_b: where the range of the values of B is known, what its images were brought into.

    Pairs are told by their names (paths without suffixes; numbers, where images have none), and fall into the same part
    of the split. Labels of B are ignored, which is said. Raises InputError as `open_source`, for kinds of unequal
    shape, an empty one, and names that do not match.
    """
    first = open_source(a, data_root, shaping, choose_size=True)
    asked = shaping if of_b is None else of_b
    form = Shaping(size=first.shaping.size, fit=shaping.fit, channels=shaping.channels, range=asked.range)
    second = open_source(
        b, data_root, form if paired else form.model_copy(update={"limit": shaping.limit}), choose_size=True
    )
    require_alike(first.train, second.train)
    if second.train.labels is not None:
        say(f"the labels of '{second.name}' are ignored")
    other = (
        _matched(first, second, (a, b), data_root, shaping)
        if paired
        else Source(second.name, _bare(second.train), None if second.test is None else _bare(second.test))
    )
    return Domains(
        split_source(first, seed, shaping),
        split_source(other, seed, shaping if paired else form),
        paired,
        first.shaping,
        AS_IT_IS.model_copy(update={"range": second.shaping.range}),
    )


def _bare(images: ImageSet) -> ImageSet:
    return ImageSet(images.images, None, name=images.name)


def _matched(
    first: Source, second: Source, places: tuple[Place, Place], root: Place | None, shaping: Shaping
) -> Source:
    """The images of B in the order of those of A that they belong to, with the labels of A: split alike."""
    if (first.test is None) != (second.test is None):
        lacking = first if first.test is None else second
        raise InputError(f"'{lacking.name}' has no test images of its own, the other has: give both, or neither")
    parts: list[ImageSet | None] = []
    for split, a, b in (("train", first.train, second.train), ("test", first.test, second.test)):
        if a is None or b is None:
            parts.append(None)
            continue
        names = _stems(image_names(places[0], root, shaping, split), len(a), first.name)
        there = _stems(image_names(places[1], root, AS_IT_IS, split), len(b), second.name)
        _refuse_alone(
            names, there, whole=len(shaping.classes) == 0 and shaping.limit is None, of=(first.name, second.name)
        )
        place = {name: number for number, name in enumerate(there)}
        ordered = b.take(np.array([place[name] for name in names], np.int64))
        parts.append(ImageSet(ordered.images, a.labels, a.classes, b.name))
    train, test = parts
    assert train is not None
    return Source(second.name, train, test)


def _stems(names: list[str], count: int, of: str) -> list[str]:
    """Names without their suffixes, one for each image."""
    if len(names) != count:
        raise InputError(f"'{of}' has unreadable images, and pairs are matched by name: replace or remove them")
    return [str(PurePath(name).with_suffix("")) for name in names]


def _refuse_alone(names: list[str], there: list[str], *, whole: bool, of: tuple[str, str]) -> None:
    """InputError, with the first ones, for names of one side that the other does not have."""
    lacking = sorted(set(names) - set(there)), sorted(set(there) - set(names)) if whole else []
    for alone, side, other in zip(lacking, of, of[::-1], strict=True):
        if alone:
            listed = ", ".join(f"'{shown(name)}'" for name in alone[:NAMED]) + (", …" if len(alone) > NAMED else "")
            raise InputError(
                f"{len(alone):,} of the images of '{side}' have no pair in '{other}': {listed}: give pairs one name"
            )
