"""Labels as people have them: whole numbers of any type, names, one column, one-hot rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError
from elmyr.images.encoded import in_order, shown


class Classes(NamedTuple):
    """Labels int64 (N,), the names of their classes, and what was done to them, "" where nothing."""

    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    said: str


def read_labels(labels: NDArray[Any], classes: Sequence[str] = ()) -> Classes:
    """Labels of any form as positions in the names of the classes.

    labels: whole numbers (N,) or (N, 1), as any type of numbers; names (N,); one-hot rows (N, K). classes: the names,
    by their numbers, where they are known; else a number's name is the number itself, and the numbers that are there
    are the classes. Raises InputError for labels that are none of these.
    """
    flat, said = _one_each(labels)
    if flat.dtype.kind in "US":
        return _of_names(flat, classes, said)
    numbers = _whole(flat)
    if not len(numbers):
        return Classes(numbers, tuple(classes), said)
    lowest, highest = int(numbers.min()), int(numbers.max())
    if classes:
        if lowest < 0 or highest >= len(classes):
            raise InputError(
                f"the labels go from {lowest} to {highest}, and there are the names of {len(classes)} classes: number "
                "the classes from 0 on, in the order of their names"
            )
        return Classes(numbers, tuple(classes), said)
    values, places = np.unique(numbers, return_inverse=True)
    if lowest < 0:
        hint = "np.where(labels > 0, 1, 0)" if values.tolist() == [-1, 1] else "or leave out the images without a label"
        raise InputError(f"the labels go from {lowest} to {highest}: number the classes from 0 on, {hint}")
    return Classes(places.astype(np.int64), tuple(str(value) for value in values.tolist()), said)


def _one_each(labels: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """One label an image, (N,), and what was done for that."""
    if labels.ndim == 1:
        return labels, ""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0], ""
    told = f"the labels have the shape {labels.shape}"
    if labels.ndim != 2 or labels.dtype.kind not in "buif" or not labels.size:
        raise InputError(f"{told}, not (N,): give one label an image")
    if ((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all():
        return labels.argmax(1), f"{told}, taken as one-hot rows of {labels.shape[1]} classes: labels.argmax(1)"
    if (labels.sum(1) > 1).any() and ((labels == 0) | (labels == 1)).all():
        raise InputError(f"{told}, and some images have several labels: give one label an image, (N,)")
    raise InputError(f"{told}, not (N,): give one label an image, as labels.argmax(1) where these are probabilities")


def _whole(labels: NDArray[Any]) -> NDArray[np.int64]:
    if labels.dtype.kind == "f":
        odd = labels[~np.isfinite(labels) | (labels != np.floor(labels))]
        if len(odd):
            raise InputError(
                f"the labels are {labels.dtype}, and {odd[0]:g} among them is no whole number: number the classes "
                "from 0 on"
            )
    elif labels.dtype.kind not in "bui":
        raise InputError(f"the labels are {labels.dtype}, not whole numbers or names: number the classes from 0 on")
    if len(labels) and float(np.abs(labels.astype(np.float64)).max()) >= 2**53:
        raise InputError("the labels have more than 15 digits: number the classes from 0 on")
    return labels.astype(np.int64)


def _of_names(labels: NDArray[Any], classes: Sequence[str], said: str) -> Classes:
    names = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in labels.tolist()]
    known = tuple(classes) or in_order(set(names))
    place = {name: number for number, name in enumerate(known)}
    strange = next((name for name in names if name not in place), None)
    if strange is not None:
        raise InputError(f"the label '{shown(strange)}' is none of the {len(known)} classes: name them all")
    return Classes(np.array([place[name] for name in names], np.int64), known, said)
