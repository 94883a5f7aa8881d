"""The cache of decoded images: memory-mapped pixels, found again while the files they came from are the same."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from tokenize import TokenError  # what numpy lets through of a damaged header
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder, flush, read_json, write_json
from elmyr.images.dataset.imageset import Pixels
from elmyr.images.decode.encoded import Damage
from elmyr.images.storage.stored import open_pixels

FORMAT = 2
CONTENT = "content.json"


class Decoded(NamedTuple):
    """Pixels uint8 (M, H, W, C) of those images that could be read, and by their places why others could not."""

    pixels: Pixels
    damage: Damage

    @property
    def whole(self) -> NDArray[np.int64]:
        """The places (M,) of the images that could be read: all but those that are damaged."""
        places = np.arange(len(self.pixels) + len(self.damage))
        return np.delete(places, list(self.damage)) if self.damage else places


class Content(NamedTuple):
    """Parts of one set as they were decoded; what was found out for that, as JSON values."""

    parts: list[Decoded]
    found: dict[str, Any]


class PixelStore:
    """Room for up to `count` images of one shape: in a new `.npy` file, one after the other, or in memory."""

    def __init__(self, path: Path | None, count: int, shape: tuple[int, ...]) -> None:
        self._path, self._shape, self._length = path, shape, 0
        self._memory = np.empty((count, *shape), np.uint8) if path is None else None
        self._file = None if path is None else path.open("wb", buffering=1 << 20)
        self._write_header(count)

    def add(self, image: NDArray[np.uint8]) -> None:
        """Puts the next image away."""
        if self._memory is not None:
            self._memory[self._length] = image
        if self._file is not None:
            self._file.write(np.ascontiguousarray(image).data)
        self._length += 1

    def end(self) -> Pixels:
        """All images that were put there."""
        if self._memory is not None:
            return self._memory[: self._length]
        assert self._file is not None and self._path is not None
        self._file.seek(0)
        self._write_header(self._length)
        self.close()
        return open_pixels(self._path)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def _write_header(self, count: int) -> None:
        if self._file is not None:  # numpy leaves room in it for the count to grow, so it keeps its length
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, *self._shape)}
            npy.write_array_header_1_0(self._file, header)


def stamp_of(files: Iterable[str], *about: object) -> str:
    """A key that changes where a file's name, size or time does, or what else is told of it."""
    digest = hashlib.sha256(json.dumps([FORMAT, os.getcwd(), *about], default=str).encode())
    for file in files:
        try:
            status = os.stat(file)
            digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="replace"))
        except OSError:
            digest.update(f"{file}\0absent\0".encode(errors="replace"))
    return digest.hexdigest()[:32]


def cached(key: str, make: Callable[[Path | None], Content]) -> Content:
    """What `make` made for this key before, or makes now: into a folder of the cache, or in memory where that fails."""
    folder = cache_folder() / "images" / key
    found = _find(folder)
    if found is not None:
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{key[:8]}-", dir=folder.parent))
        try:
            decoded = make(beside)
            _keep(beside, folder, decoded)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError:  # no room, or no right to write: slower the next time, not wrong
        return make(None)
    return _find(folder) or decoded


def _keep(beside: Path, folder: Path, decoded: Content) -> None:
    parts = [{"shape": part.pixels.shape, "damage": list(part.damage.items())} for part in decoded.parts]
    for number in range(len(parts)):
        flush(beside / f"{number}.npy")
    write_json(beside / CONTENT, {"parts": parts, "found": decoded.found})
    shutil.rmtree(folder, ignore_errors=True)  # one that is damaged
    try:
        beside.rename(folder)
    except OSError:
        if not (folder / CONTENT).exists():  # else another process was quicker
            raise


def _find(folder: Path) -> Content | None:
    """What is in the folder; None where that is not whole."""
    try:
        content = read_json(folder / CONTENT)
        parts = []
        for number, part in enumerate(content["parts"]):
            pixels = open_pixels(folder / f"{number}.npy")
            if list(pixels.shape) != part["shape"] or pixels.dtype != np.uint8:
                return None
            parts.append(Decoded(pixels, dict(part["damage"])))
        return Content(parts, dict(content["found"])) if parts else None
    except (InputError, OSError, ValueError, TypeError, KeyError, EOFError, TokenError):
        return None
