"""Labels as people have them: whole numbers of any type, names, one column, one-hot rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.decode.encoded import in_order, shown

NO_LABEL = -1
SORTS: tuple[type, ...] = (str, bytes, bool, int, float)  # a bool is an int, too


class Classes(NamedTuple):
    """Labels int64 (N,), the names of their classes, and what was done to them, "" where nothing."""

    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    said: str


def read_labels(labels: Any, classes: Sequence[str] = ()) -> Classes:
    """Labels of any form as positions in the names of the classes.

    labels: whole numbers (N,) or (N, 1), as any type of numbers; names (N,); one-hot rows (N, K); as an array, a
    tensor, a column of a table or a list. classes: the names, by their numbers, where they are known; else a number's
    name is the number itself, and the numbers that are there are the classes. Raises InputError for labels that are
    none of these, and where some images have none: -1, None or NaN among names or numbers.
    """
    flat, said = _one_each(label_array(labels))
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


def label_array(labels: Any) -> NDArray[Any]:
    """Labels as an array of numbers or of names; InputError for objects that are neither, and for missing ones."""
    if hasattr(labels, "detach"):  # a tensor, wherever it lies
        labels = labels.detach().cpu()
    if isinstance(labels, list | tuple) and len({isinstance(each, str | bytes) for each in labels}) > 1:
        labels = np.array(labels, dtype=object)  # else numpy makes names of the numbers among them
    try:
        array = np.asarray(labels)
    except ValueError:
        raise InputError("the labels are lists of unequal length: give one label per image, (N,)") from None
    if array.dtype == object:
        array = _of_one_sort(array)
    if array.dtype.kind in "US" and array.size and (array == np.array("-1", array.dtype)).any():
        raise InputError(_missing(int((array == np.array("-1", array.dtype)).sum()), "the word '-1'"))
    return array


def _of_one_sort(labels: NDArray[Any]) -> NDArray[Any]:
    """Objects as numbers or as names, where they are all of one sort."""
    values = labels.ravel().tolist()
    named = any(isinstance(value, str | bytes) for value in values)
    lost = [value for value in values if value is None or value != value or (named and value == NO_LABEL)]
    if lost:
        raise InputError(_missing(len(lost), repr(lost[0])))
    sorts = {next((sort for sort in SORTS if isinstance(value, sort)), type(value)) for value in values}
    if len(sorts) > 1:
        names = " and ".join(sorted(sort.__name__ for sort in sorts))
        raise InputError(
            f"the labels are of several types, {names}: make them all names: [str(label) for label in labels]"
        )
    if sorts and not sorts & set(SORTS):
        kind = sorts.pop().__name__
        raise InputError(
            f"the labels are of the type {kind}: give names or whole numbers: [str(label) for label in labels]"
        )
    return np.array(values).reshape(labels.shape)


def _missing(count: int, what: str) -> str:
    return (
        f"{count:,} of the labels {'is' if count == 1 else 'are'} {what}, which stands for an image without a label: "
        "leave these images out, or give them to a recognizer as unlabeled images"
    )


def _one_each(labels: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """One label an image, (N,), and what was done for that."""
    if labels.ndim == 1:
        return labels, ""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0], ""
    told = f"the labels have the shape {labels.shape}"
    if labels.ndim != 2 or labels.dtype.kind not in "buif" or not labels.size:
        raise InputError(f"{told}, not (N,): give one label per image")
    if ((labels == 0) | (labels == 1)).all() and (labels.sum(1) == 1).all():
        return labels.argmax(1), f"{told}, taken as one-hot rows of {labels.shape[1]} classes: labels.argmax(1)"
    if (labels.sum(1) > 1).any() and ((labels == 0) | (labels == 1)).all():
        raise InputError(f"{told}, and some images have several labels: give one label per image, (N,)")
    raise InputError(f"{told}, not (N,): give one label per image, as labels.argmax(1) where these are probabilities")


def _whole(labels: NDArray[Any]) -> NDArray[np.int64]:
    if labels.dtype.kind == "f":
        odd = labels[~np.isfinite(labels) | (labels != np.floor(labels))]
        if len(odd):
            raise InputError(
                f"the labels are {labels.dtype}, and {odd[0]:g} among them is no whole number: a class for each image "
                "is wanted, numbered from 0 on (of values to be predicted, np.digitize(labels, edges) makes classes)"
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
