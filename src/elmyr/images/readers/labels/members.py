"""Labels in an archive: of the files beside an image, `.cls`, `.json` or `.txt`, or of the folders around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.decode.encoded import in_order, shown
from elmyr.images.readers.labels.columns import Labels, label_column, named
from elmyr.images.readers.labels.dates import step_of_classes
from elmyr.images.readers.labels.json_forms import cell
from elmyr.images.readers.labels.tables import Table
from elmyr.images.readers.parts import divided

LABEL, TEXT = ".cls", ".txt"
LONGEST = 200  # characters of a class's name
NO_FILES = -1  # the column of file names, which there is not


class MemberLabels(NamedTuple):
    """The name of each image's class; the classes in order, none without labels; what told them."""

    values: list[str]
    classes: tuple[str, ...] = ()
    told: str | None = None


def _of_cls(content: bytes) -> dict[str, str]:
    """A number or a name; ValueError for what is neither."""
    text = content.decode().strip()
    if not text or len(text) > LONGEST or not text.isprintable():
        raise ValueError("no label")
    try:
        return {LABEL: str(int(text))}
    except ValueError:
        return {LABEL: text}


def _of_json(content: bytes) -> dict[str, str]:
    """The plain values of a mapping; ValueError for what is no JSON."""
    told = json.loads(content)
    return {str(key): cell(value) for key, value in told.items()} if isinstance(told, dict) else {}


def _of_text(content: bytes) -> dict[str, str]:
    text = content.decode(errors="replace").strip()
    return {TEXT: text} if text else {}


# What a file beside an image tells of it.
TOLD: dict[str, Callable[[bytes], dict[str, str]]] = {LABEL: _of_cls, ".json": _of_json, TEXT: _of_text}


def labels_of_members(
    members: Sequence[tuple[str, Mapping[str, str]]], where: str, wanted: str | None = None
) -> MemberLabels:
    """The labels of images by their names and what the files beside them tell.

    wanted: the key of the `.json` files. Raises InputError where only some images have a label.
    """
    keys = list(dict.fromkeys(key for _, told in members for key in told))
    texts = [key for key in keys if key == TEXT]
    keys = [key for key in keys if key != TEXT]
    chosen = _chosen(members, keys, where, wanted) if keys or wanted is not None else None
    if chosen is None and texts:
        chosen = _chosen(members, texts, where, None)
    if chosen is None:
        if keys:
            note(f"'{where}': the keys {named(keys)} are no labels: pass --label-column NAME to take one")
        if texts:
            note(f"'{where}': what the {TEXT} files hold are no labels: too many are different")
        return _of_folders([name for name, _ in members], where)
    _refuse_unlabeled(members, chosen, where)
    if chosen.others:
        note(f"'{where}': labels from '{chosen.name}'; pass --label-column {shown(chosen.others[0])} to take that")
    unused = [key for key in keys if key not in chosen.used and key not in chosen.others]
    if unused:
        note(f"keys in '{where}' that are passed over: {named(unused)}")
    numbers = chosen.numbers
    classes = in_order(set(chosen.values))
    if numbers is not None:
        classes = tuple(sorted(numbers, key=numbers.__getitem__))
    elif all(value.removeprefix("-").isdecimal() for value in classes):
        classes = tuple(sorted(classes, key=int))
    source = f"the {chosen.name} files" if chosen.name in (LABEL, TEXT) else f"the key '{shown(chosen.name)}'"
    if chosen.name == TEXT:
        note(f"'{where}': labels from {source}")
    return MemberLabels(chosen.values, classes, source)


def _chosen(
    members: Sequence[tuple[str, Mapping[str, str]]], keys: Sequence[str], where: str, wanted: str | None
) -> Labels | None:
    table = Table(keys, [[told.get(key, "") for key in keys] for _, told in members], first=0)
    return label_column(table, NO_FILES, wanted, f"'{where}'")


def _refuse_unlabeled(members: Sequence[tuple[str, Mapping[str, str]]], chosen: Labels, where: str) -> None:
    for (name, _), value in zip(members, chosen.values, strict=True):
        if not value:
            raise InputError(f"'{shown(name)}' in '{where}' has no label, others have: add {shown(name)}.cls")


def _of_folders(names: Sequence[str], where: str) -> MemberLabels:
    """The folder of each image, below those that all are in; no labels where all are in one."""
    steps = [Path(name).parts[:-1] for name in names]
    while all(steps) and len({step[0] for step in steps}) == 1:
        steps = [step[1:] for step in steps]
    if not all(steps):
        return MemberLabels([])
    depth = step_of_classes(steps, where)
    values = [step[depth] for step in steps]
    classes = in_order(set(values))
    if divided([Path(name) for name in classes]) is not None:
        raise InputError(f"'{where}' holds the parts {named(classes)}: unpack it, and give the folder")
    note(f"'{where}': labels from the folders in it ({named(classes)})")
    return MemberLabels(values, classes, "the folders in the archive")
