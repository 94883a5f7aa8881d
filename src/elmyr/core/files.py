"""Files that are whole or absent: written beside their place, flushed, then renamed into it; where the cache is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import platformdirs

from elmyr.core.errors import InputError

LARGEST_JSON = 16_000_000  # bytes


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path beside `path` to write to; takes its place when the block ends well, is removed when it does not."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        flush(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    flush(path.parent)


def likely_meant(path: Path) -> Path | None:
    """Of a path that is not there the one beside it that has nearly its name; None without one."""
    try:
        near = get_close_matches(path.name, os.listdir(path.parent), n=1)
    except (OSError, ValueError):  # ValueError for a zero in it
        return None
    return path.parent / near[0] if near else None


def require_place(path: Path, suffix: str, what: str) -> None:
    """InputError, before work starts, where `what` could not be written to `path`, a file with this suffix."""
    if path.suffix.lower() != suffix:
        raise InputError(f"cannot write {what} as '{path}': give it the suffix {suffix}")
    if not path.parent.is_dir() or path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"cannot write '{path}': name a file in a folder that exists and can be written to")


def flush(path: Path) -> None:
    """Puts a file's bytes, or a folder's entries, on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folder
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Replaces a text file, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Replaces a JSON file, whole or not at all. Numbers that are not finite are refused with ValueError."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """A JSON file's content; InputError if it cannot be read, or is too large to be one of elmyr's."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ValueError(f"{path.stat().st_size / 1e6:,.0f} MB is more than any of elmyr's has")
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"'{path}' does not exist") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"'{path}' cannot be read as JSON ({error}): restore it, or make it again") from None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a `.jsonl` file; a line cut by a crash is passed over."""
    return lines_of(path.read_bytes())


def lines_of(content: bytes) -> list[dict[str, Any]]:
    """The same of a file's bytes."""
    lines = []
    for text in content.decode("utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """`ELMYR_CACHE_DIR`, else the platform's cache folder."""
    return Path(os.environ.get("ELMYR_CACHE_DIR") or platformdirs.user_cache_dir("elmyr"))


def make_folder(path: Path) -> Path:
    """Makes a folder and its parents; InputError in one line where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder '{path}' ({error.strerror}): choose another with --out") from None
    if not os.access(path, os.W_OK):
        raise InputError(f"the folder '{path}' cannot be written to: choose another with --out")
    return path
