"""Images by what a table of labels may call them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

from elmyr.images.decode.codecs import FIXES, decoders, suffix_of

UPLOADED = re.compile(r"[0-9a-f]{8}-")
NOWHERE = (None, False)


def _whole(path: str) -> str:
    return path


def _without_suffix(path: str) -> str:
    suffix = suffix_of(path)
    return path[: -len(suffix)] if suffix in decoders() or suffix in FIXES else path


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def stem_of(path: str) -> str:
    """The name of a file without its folders and its suffix."""
    return os.path.splitext(_name(path))[0]


def _stem(path: str) -> str:
    return _without_suffix(_name(path))


def _uploaded(path: str) -> str:
    """The name that a file had before Label Studio put eight signs of its own before it."""
    return UPLOADED.sub("", _name(path))


def _number(path: str) -> str:
    """The stem as a spreadsheet leaves it that takes it for a number."""
    stem = _stem(path).removesuffix(".0")
    return stem.lstrip("0") or "0" if stem.isdecimal() else stem


def _folded(path: str) -> str:
    """A path without case, and with accents as one sign: macOS writes them as two."""
    return unicodedata.normalize("NFC", path).lower()


# The path in the folder; without its suffix; the name alone, in another folder; and so on: the first that is known.
PATHS = (_whole, _without_suffix)
WAYS: tuple[Callable[[str], str], ...] = (*PATHS, _name, _stem, _number, _uploaded)


class Places:
    """The images of a folder, by path, name or stem, in any letter case.

    images: their paths in the folder, with `/` between.
    """

    def __init__(self, images: Sequence[str]) -> None:
        self.images = images
        self._exact = set(images)
        self._known: dict[Callable[[str], str], dict[str, str | None]] = {}

    def find(self, told: str) -> str | None:
        """The one image that is called so; None where there is none, or more than one."""
        return told if told in self._exact else self._look_up(told)[0]

    def is_shared(self, told: str) -> bool:
        """Whether more than one image is called so."""
        return told not in self._exact and self._look_up(told)[1]

    def _look_up(self, told: str) -> tuple[str | None, bool]:
        """The image that is called so, or None; and whether several are."""
        found = self._of_path(told)
        if found == NOWHERE and ("%" in told or "://" in told):
            found = self._of_path(unquote(urlsplit(told).path if "://" in told else told))
        return found

    def _of_path(self, told: str) -> tuple[str | None, bool]:
        path = os.path.normpath(told.strip().replace("\\", "/")).replace("\\", "/")
        if path in self._exact:
            return path, False
        steps = _folded(path).split("/")
        for way in WAYS:
            known = self._by(way)
            for start in range(len(steps) if way in PATHS else 1):  # more folders than here may be told
                key = way("/".join(steps[start:]))
                if key in known:
                    return known[key], known[key] is None
        return NOWHERE

    def _by(self, way: Callable[[str], str]) -> dict[str, str | None]:
        if way not in self._known:
            known: dict[str, str | None] = {}
            for path in self.images:
                key = way(_folded(path))
                known[key] = None if key in known else path
            self._known[way] = known
        return self._known[way]
