"""One process at a time in a folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

LOOK_AGAIN = 0.1  # seconds


@contextmanager
def alone_in(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Waits until no other process is in the folder, calling `waiting` all the while.

    The lock goes with its process, however that ends; the empty file `.lock` stays. Raises OSError where the folder
    cannot be written.
    """
    with (folder / ".lock").open("ab") as file:
        while not _lock(file):
            waiting()
            time.sleep(LOOK_AGAIN)
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
