"""Names of classes as names of folders that every system can have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 200  # bytes; file systems take 255
FORBIDDEN = set('/\\<>:"|?*')
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


def folder_names(classes: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """A folder's name for each class: no separator, control character, leading dot or dash, nothing Windows keeps
    for itself, never empty, and no two alike where case or the composition of accents is not seen.

    taken: names that stand beside the folders.
    """
    seen = {_as_seen(name) for name in taken}
    names = []
    for name in map(_safe, classes):
        number, free = 1, name
        while _as_seen(free) in seen:
            number += 1
            free = f"{name}_{number}"
        seen.add(_as_seen(free))
        names.append(free)
    return names


def _safe(name: str) -> str:
    kept = "".join("_" if char in FORBIDDEN or unicodedata.category(char)[0] == "C" else char for char in name)
    short = kept.encode()[:LONGEST].decode(errors="ignore").strip().rstrip(". ")
    if not short or short[0] in ".-" or RESERVED.fullmatch(short):
        short = f"_{short.lstrip('.-')}"
    return short


def _as_seen(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
