"""Images that stay on the disk: for sets larger than memory, read as they are asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

LARGE = 1 << 30  # bytes of pixels from which a set stays on the disk
AHEAD = 1 << 20  # bytes that are read at a time where all images are gone through


def mapped(path: str | Path) -> NDArray[Any]:
    """The array of an `.npy` file, memory-mapped: writing to it changes no file, and fails where it is large.

    A mapping that can be written to counts as memory, of which a large file may have more than the machine. Raises
    ValueError and OSError for what is no such file.
    """
    large = Path(path).stat().st_size >= LARGE
    array: NDArray[Any] = np.load(path, mmap_mode="r" if large else "c", allow_pickle=False)
    return array


def open_pixels(path: str | Path) -> NDArray[np.uint8] | StoredPixels:
    """The images of an `.npy` file: on the disk where they are large, else memory-mapped, and private: writing to them
    changes no file. Raises ValueError and OSError for what is no such file."""
    if Path(path).stat().st_size >= LARGE:
        return StoredPixels(path)
    return mapped(path)


class StoredPixels:
    """The images uint8 (N, H, W, C) of an `.npy` file, or those at some places of it.

    Indexing with a number, a slice or an array of places reads just these into a new array; `numpy.asarray` reads all.
    Read, not memory-mapped: what was looked at once does not stay in memory. Raises ValueError for a file that is
    shorter than its header says, or of another type.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, path: str | Path) -> None:
        with open(path, "rb") as file:
            version = npy.read_magic(file)
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = read_header(file)
            self._start = file.tell()
        shape = (*shape, 1) if len(shape) == 3 else shape
        if len(shape) != self.ndim or fortran or dtype != self.dtype:
            raise ValueError(f"it is an array of {dtype} of the shape {shape}{', in columns' if fortran else ''}")
        self._path, self._row = Path(path), shape[1:]
        self._bytes = math.prod(self._row)
        self._places: NDArray[np.int64] | range = range(shape[0])
        if self._path.stat().st_size < self._start + shape[0] * self._bytes:
            raise ValueError("it is shorter than its header says")

    def __len__(self) -> int:
        return len(self._places)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, C)."""
        return (len(self), *self._row)

    @property
    def size(self) -> int:
        """The number of all bytes."""
        return len(self) * self._bytes

    def stamp(self) -> str:
        """A key that changes where the file does (path, number, size, times), or which of its images these are."""
        status = self._path.stat()
        places = self._places if isinstance(self._places, range) else sha256(self._places.data).hexdigest()
        of_file = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)  # the last cannot be set
        told = (os.path.abspath(self._path), *of_file, self._start, self._row, places)
        return sha256(repr(told).encode()).hexdigest()[:32]

    def take(self, places: NDArray[np.integer]) -> StoredPixels:
        """Those at some places, still on the disk."""
        own = object.__new__(type(self))
        own.__dict__ |= self.__dict__
        own._places = self._in_file(places).astype(np.int64, copy=False)
        return own

    def __getitem__(self, places: Any) -> NDArray[np.uint8]:
        if isinstance(places, slice) and isinstance(self._places, range) and places.step in (None, 1):
            run = self._places[places]
            return self._read([run.start], len(run))
        wanted = self._in_file(places)
        rows = self._read(wanted.ravel().tolist(), 1)
        return rows if wanted.ndim else rows[0]

    def blocks(self) -> Iterator[NDArray[np.uint8]]:
        """All images in their order, uint8 (n, H, W, C), about a megabyte at a time."""
        some = max(1, AHEAD // max(1, self._bytes))
        return (self[start : start + some] for start in range(0, len(self), some))

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (image for block in self.blocks() for image in block)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _in_file(self, places: Any) -> NDArray[Any]:
        """Where some images stand in the file: as much work as there are of them, however many the file has."""
        if not isinstance(self._places, range):
            return np.asarray(self._places[places])
        if isinstance(places, slice):
            run = self._places[places]
            return np.arange(run.start, run.stop, run.step)
        wanted = np.asarray(places)
        if wanted.dtype == np.bool_:
            if wanted.shape != (len(self),):
                raise IndexError(f"a mask of the shape {wanted.shape} for {len(self):,} images")
            return np.flatnonzero(wanted)
        if not wanted.size:
            return wanted.astype(np.int64)
        if wanted.dtype.kind not in "iu":
            raise IndexError(f"images are taken by whole numbers, not by {wanted.dtype}")
        wanted = wanted.astype(np.int64, copy=False)
        if wanted.min() < -len(self) or wanted.max() >= len(self):
            raise IndexError(
                f"there are {len(self):,} images, and one from {wanted.min()} to {wanted.max()} is asked for"
            )
        return np.where(wanted < 0, wanted + len(self), wanted)

    def _read(self, firsts: list[int], run: int) -> NDArray[np.uint8]:
        """Runs of images from these places on."""
        rows = np.empty((len(firsts) * run, *self._row), np.uint8)
        if not rows.size:
            return rows
        content = rows.data.cast("B")
        length = run * self._bytes
        with self._path.open("rb") as file:
            for number, first in enumerate(firsts):
                file.seek(self._start + first * self._bytes)
                if file.readinto(content[number * length : (number + 1) * length]) != length:
                    raise OSError(f"'{self._path}' has become shorter")
        return rows
