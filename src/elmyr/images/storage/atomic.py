"""Files that are whole or absent, and a line instead of a traceback where they cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from elmyr.core.errors import InputError
from elmyr.core.files import replacing


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A temporary file beside `path`; it takes its place when the block ends well, and is removed when not.

    Raises InputError where the file cannot be written.
    """
    path = Path(path)
    try:
        with replacing(path) as beside, beside.open("wb") as file:
            yield file
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> InputError:
    """What to tell of a file that cannot be written."""
    return InputError(f"'{path}' cannot be written ({error.strerror or error}): choose another place")
