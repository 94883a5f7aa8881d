"""Notes about the data: what a reader chose, and what it passed over. Told once a command, and kept by `data info`."""

from __future__ import annotations

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
def kept_notes() -> Iterator[list[str]]:
    """Inside, notes are not told but kept in the list that it gives, each once."""
    kept: list[str] = []
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)
