"""Where the images of a tar file stand, kept with the stamp of the file: it is not gone through again to be opened."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elmyr import __version__
from elmyr.core.files import cache_folder, replacing
from elmyr.images.decode.codecs import decoders

FORMAT = 1
FEWEST_KEPT = 200  # images, below which going through the file again is as quick


class Member(NamedTuple):
    """Where an image stands in its file, in bytes, and what the members beside it tell of it."""

    name: str
    offset: int
    size: int
    told: dict[str, str]


class Index(NamedTuple):
    """The images of a file in their order, and the names of the members that are passed over."""

    members: list[Member]
    others: list[str]


def kept_index(path: Path, walk: Callable[[], Index], telling: Iterable[str] = ()) -> Index:
    """The index of a file that was kept while it had the same size and times; else what `walk` finds, kept from now on.

    A file has one index in the cache, which its next version replaces. Where the cache cannot be written the file is
    gone through each time. telling: the kinds of members that `walk` reads beside images; where they were others the
    file is gone through again.
    """
    telling = sorted(telling)
    before = _stamp(path, telling)
    name = hashlib.sha256(os.path.abspath(path).encode(errors="replace")).hexdigest()[:32]
    kept = cache_folder() / "members" / f"{name}.npz"
    if before is not None and (known := _read(kept, before)) is not None:
        return known
    index = walk()
    if before is not None and len(index.members) >= FEWEST_KEPT and _stamp(path, telling) == before:
        with suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            _write(kept, before, index)
    return index


def _stamp(path: Path, telling: list[str]) -> str | None:
    """What changes where the file does (number, size, times), elmyr, or the kinds it reads; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None  # told by who opens it
    of_file = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)  # the last cannot be set
    by = __version__, FORMAT, sorted(decoders()), telling
    return hashlib.sha256(repr((by, of_file)).encode()).hexdigest()


def _write(path: Path, stamp: str, index: Index) -> None:
    words = [stamp, [member.name for member in index.members], [member.told for member in index.members], index.others]
    text = np.frombuffer(json.dumps(words).encode(), np.uint8)
    places = np.array([(member.offset, member.size) for member in index.members], np.int64)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, places=places, text=text)


def _read(path: Path, stamp: str) -> Index | None:
    """What was kept with this stamp; None for another, and for what is not whole."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            places, text = content["places"].tolist(), content["text"].tobytes()
        known, names, told, others = json.loads(text)
        if known != stamp:
            return None
        parts = zip(names, places, told, strict=True)
        return Index([Member(name, offset, size, dict(about)) for name, (offset, size), about in parts], list(others))
    except Exception:  # damaged bytes end in any kind (zlib, tokenize, zipfile …), and what was kept can be made again
        return None
