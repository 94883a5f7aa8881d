"""Files of any number of images, and how much work it is to take some of them: counted, not timed."""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Work(NamedTuple):
    """Calls of functions, and bytes that were in use at once."""

    calls: int
    peak: int


def work_of(action: Callable[[], Any]) -> Work:
    """How much work an action is, the second time that it is done."""
    action()
    calls = 0

    def seen(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    collects = gc.isenabled()
    gc.disable()  # what a collection calls is of others
    tracemalloc.start()
    try:
        sys.setprofile(seen)
        action()
        sys.setprofile(None)
        return Work(calls, tracemalloc.get_traced_memory()[1])
    finally:
        sys.setprofile(None)
        tracemalloc.stop()
        if collects:
            gc.enable()


def sparse(path: Path, shape: tuple[int, int, int, int]) -> Path:
    """An `.npy` file of black images, whose first is white: it takes no room on the disk."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        start, image = file.tell(), shape[1] * shape[2] * shape[3]
        file.write(b"\xff" * image)
        file.truncate(start + shape[0] * image)
    return path
