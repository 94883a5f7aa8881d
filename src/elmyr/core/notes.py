"""Notes about the data: what a reader chose, and what it passed over. Told once a command, and kept by `data info`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_kept: ContextVar[list[str] | None] = ContextVar("kept notes", default=None)


class DataWarning(UserWarning):
    """Damaged data that were skipped."""


class Note(DataWarning):
    """A choice that a reader made, or files, folders, columns or keys that it passed over."""


def note(text: str) -> None:
    """Tells a note of one line: as a warning of the category `Note`, or to `kept_notes` where that is listening."""
    kept = _kept.get()
    if kept is None:
        warnings.warn(text, Note, stacklevel=2)
    elif text not in kept:
        kept.append(text)


@contextmanager
def told_if_not_written(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Inside, what cannot be written into a run's folder is no error but a note: its figures are given all the same."""
    try:
        yield
    except OSError as error:
        note(f"'{os.fspath(folder)}' cannot be written to ({error.strerror}): its report does not show these figures")


@contextmanager
def kept_notes() -> Iterator[list[str]]:
    """Inside, notes are not told but kept in the list that it gives, each once."""
    kept: list[str] = []
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)
