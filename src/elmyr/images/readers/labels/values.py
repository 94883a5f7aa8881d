"""Columns of labels in parquet files and sets of the hub: which is taken, and what its values say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError, suggestion
from elmyr.core.notes import note
from elmyr.images.decode.encoded import in_order, shown
from elmyr.images.readers.labels.columns import LABELS, named, plain


def chosen_column(of_classes: Sequence[str], columns: Sequence[str], wanted: str | None, where: str) -> str | None:
    """The column of labels: the wanted one, else the first of those that name classes, else the likeliest by name.

    Several likely ones are told. Raises InputError where the wanted one is not there.
    """
    if wanted is not None:
        if wanted not in columns:
            raise InputError(f"'{where}' has no column '{shown(wanted)}': {suggestion(wanted, columns)}")
        return wanted
    known = sorted(
        (column for column in columns if plain(column) in LABELS), key=lambda name: LABELS.index(plain(name))
    )
    likely = list(dict.fromkeys([*(name for name in known if name in of_classes), *of_classes, *known]))
    if likely[1:]:
        note(
            f"'{where}': labels from the column '{shown(likely[0])}'; pass --label-column {shown(likely[1])} to take "
            f"another ({', '.join(map(shown, likely[1:]))})"
        )
    others = [column for column in columns if column not in likely]
    if others:
        ask = "" if likely else "; pass --label-column NAME where one holds labels"
        note(f"columns of '{where}' that are passed over: {named(others)}{ask}")
    return likely[0] if likely else None


def labels_of(
    values: Sequence[Any], names: Sequence[str], where: str
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Labels and class names of a column's values: numbers of these names, or else the values themselves.

    None where every label is -1 or null, as in test parts whose labels are kept secret. InputError for some of these.
    """
    if all(value is None or value == -1 for value in values):
        return None, ()
    values = [_plain(value) for value in values]
    place = next((place for place, value in enumerate(values) if type(value) not in (int, str)), None)
    if place is not None:
        label = shown(repr(values[place]))
        raise InputError(f"row {place} of '{where}' has the label {label}: give a number or a name")
    if names and all(isinstance(value, int) for value in values):
        if not 0 <= min(values) <= max(values) < len(names):
            raise InputError(f"'{where}' has labels from {min(values)} to {max(values)} for {len(names)} names")
        return np.array(values, np.int64), tuple(names)
    classes = in_order({str(value) for value in values})
    number_of = {known: number for number, known in enumerate(classes)}
    return np.array([number_of[str(value)] for value in values], np.int64), classes


def _plain(value: Any) -> Any:
    """A whole number as one, a truth as the word for it."""
    if isinstance(value, bool):
        return str(value).lower()
    return int(value) if isinstance(value, float) and value.is_integer() else value
