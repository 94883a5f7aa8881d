"""What the commands print: results to stdout, messages to stderr."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO


def show_error(message: str) -> None:
    """One line on stderr."""
    print("elmyr: " + " ".join(message.split()), file=sys.stderr)


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line; those that are not meant for a user are dropped."""
    if issubclass(category, UserWarning):
        print("elmyr: warning: " + " ".join(str(message).split()), file=sys.stderr)


def say(line: str) -> None:
    """A message about the work, on stderr."""
    print(line, file=sys.stderr, flush=True)


def hush(line: str) -> None:
    """What `--quiet` makes of a message."""


def show_json(content: Any) -> None:
    """A result for a program: JSON on one line."""
    print(json.dumps(content, ensure_ascii=False))


def show_table(rows: list[list[str]]) -> None:
    """Rows of words in aligned columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
