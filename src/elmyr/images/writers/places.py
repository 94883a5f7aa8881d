"""Whether a place can be written to, asked before work starts."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

from elmyr.images.writers.sink import telling


def check_file(path: Path) -> None:
    """InputError where a file could not be written there; leaves nothing behind."""
    with telling(path):
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder")
    check_beside(path)


def check_beside(path: Path) -> None:
    """InputError where nothing could be written beside `path`; leaves nothing behind."""
    with telling(path), TemporaryFile(dir=path.parent):
        pass
