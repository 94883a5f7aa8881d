"""The keys of an archive of arrays: which of them are images, labels and names of classes, and of which part."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from elmyr.core.errors import InputError
from elmyr.images.decode.encoded import shown

Part = Literal["train", "validation", "test"]

# The first of a kind that an archive has is taken: what is most surely images, labels or names.
IMAGES = ("images", "image", "imgs", "img", "x", "pixels", "data", "samples", "inputs", "features", "arr_0")
LABELS = ("labels", "label", "y", "targets", "target", "fine_labels", "arr_1")
CLASSES = ("classes", "class_names", "label_names", "target_names", "names")
PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "te"), "test"),
}
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Keys(NamedTuple):
    """The keys of the images and of the labels of each part, of the names of the classes, and all others."""

    images: dict[Part, str]
    labels: dict[Part, str]
    classes: str | None
    others: list[str]


def keys_of(names: Iterable[str]) -> Keys:
    """The keys of an archive: `images`, `x_train`, `trainLabels`, `X`, `arr_0` and their like, in upper or lower case.

    Keys without a part are those of the training part. Raises InputError where no key tells of images.
    """
    names = sorted(names)
    best: dict[tuple[str, Part], tuple[int, str]] = {}
    classes = next((name for wanted in CLASSES for name in names if name.lower() == wanted), None)
    for name in names:
        told = _told(name)
        if told is not None:
            role, part, rank = told
            best[role, part] = min(best.get((role, part), (rank, name)), (rank, name))
    images, labels = ({part: best[own, part][1] for own, part in best if own == role} for role in ("images", "labels"))
    if not images:
        raise InputError(_no_images(names))
    taken = {*images.values(), *labels.values(), classes}
    return Keys(images, labels, classes, [name for name in names if name not in taken])


def _told(name: str) -> tuple[str, Part, int] | None:
    """What a key tells: images or labels, of which part, and how far down in the table that is."""
    words = CAMEL.sub("_", name).lower()
    part: Part = "train"
    first, _, after = words.partition("_")
    before, _, last = words.rpartition("_")
    for word, rest in ((first, after), (last, before)):
        if rest and word in PARTS:
            part, words = PARTS[word], rest
            break
    for role, known in (("images", IMAGES), ("labels", LABELS)):
        if words in known:
            return role, part, known.index(words)
    return None


def _no_images(names: list[str]) -> str:
    """The line for an archive whose keys tell of no images."""
    if not names:
        return "it holds no arrays: write it with numpy.savez(path, images=..., labels=...)"
    listed = ", ".join(f"'{shown(name)}'" for name in names[:5]) + (", …" if len(names) > 5 else "")
    return f"it has no key 'images', only {listed}: write it with numpy.savez(path, images=..., labels=...)"
