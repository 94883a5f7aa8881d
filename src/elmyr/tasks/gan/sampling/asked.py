"""The labels and categories that samples are asked for, worked out for any stretch of them alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError, suggestion

Asked = Callable[[int, int], NDArray[np.int64]]  # of the samples from one number to before another: int64 (n,)


def in_shares(counts: Sequence[int], n: int) -> NDArray[np.int64]:
    """The first `n` of an endless row of numbers from 0 on, int64 (n,), each as frequent as its count all along.

    With equal counts they take turns.
    """
    return in_shares_between(counts, 0, n)


def in_shares_between(counts: Sequence[int], start: int, stop: int) -> NDArray[np.int64]:
    """The numbers of that row from place `start` to before `stop`, as much work as there are of them."""
    if min(counts) == max(counts):
        return np.arange(start, stop, dtype=np.int64) % len(counts)
    shares = np.array(counts) / sum(counts)
    # What stands at a place is due there, but for half as many places as there are numbers.
    spare = len(shares) + 1
    first = np.maximum(0, np.floor((start - spare) * shares - 0.5)).astype(np.int64)
    lengths = np.where(shares > 0, np.ceil((stop + spare) * shares) + 1, 0).astype(np.int64) - first
    numbers = np.repeat(np.arange(len(shares)), lengths)
    turns = np.arange(len(numbers)) + np.repeat(first - np.cumsum(lengths) + lengths, lengths)
    due = (turns + 0.5) / shares[numbers]  # where in the row each is due
    row, passed = numbers[np.lexsort((numbers, due))], int(first.sum())
    return np.asarray(row[start - passed : stop - passed].astype(np.int64))


def asked_labels(
    classes: Sequence[str], counts: Sequence[int], n: int, label: int | str | ArrayLike | None
) -> Asked | None:
    """The labels of `n` samples: one for all, one for each, or by the classes' counts (equal ones where ()).

    None without classes. Raises InputError for a class that there is not, and for labels that are not as many.
    """
    if not classes:
        if label is not None:
            raise InputError(f"this GAN has no classes, so no label '{label}' can be asked of it: leave it out")
        return None
    if label is None:
        return partial(in_shares_between, counts or [1] * len(classes))
    asked = np.asarray(label)
    if asked.shape not in ((), (n,)):
        raise InputError(f"{n} images take one label, or one for each: the labels given have the shape {asked.shape}")
    return _each(np.array([class_number(classes, each) for each in asked.reshape(-1).tolist()], np.int64), asked.ndim)


def asked_categories(known: int, n: int, category: int | NDArray[np.int64] | None) -> Asked | None:
    """The categories of `n` samples, one for all or one for each; None where none is asked for.

    Raises InputError where the GAN knows none, and for one beyond them.
    """
    if category is None:
        return None
    asked = np.asarray(category)
    if not known:
        raise InputError("this GAN has discovered no categories: leave the category out, or train 'infogan'")
    if asked.shape not in ((), (n,)) or asked.min() < 0 or asked.max() >= known:
        raise InputError(f"the category is a number from 0 to {known - 1}, or one for each of {n} images")
    return _each(asked.reshape(-1).astype(np.int64), asked.ndim)


def class_number(classes: Sequence[str], label: int | str) -> int:
    """The number of a class given by its name, or else by its number."""
    if isinstance(label, str) and label in classes:
        return classes.index(label)
    if str(label).isdecimal() and int(label) < len(classes):
        return int(label)
    raise InputError(f"no class '{label}' among {len(classes)}: {suggestion(str(label), classes)}")


def _each(numbers: NDArray[np.int64], axes: int) -> Asked:
    """Numbers that were given one by one, or one for all (no axes)."""
    if axes:
        return lambda start, stop: numbers[start:stop]
    return lambda start, stop: np.full(stop - start, numbers[0], np.int64)
