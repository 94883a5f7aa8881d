"""Fonts with the glyphs that a text needs: Pillow's own, else one of this machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from PIL import ImageFont, features

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

SUFFIXES = (".ttf", ".ttc", ".otf")
NO_CHARACTER = "\uffff"  # of every font the glyph for what it has not
SHAPED = frozenset({"R", "AL", "NSM"})  # bidirectional classes whose letters must be joined or reordered


def font_folders() -> list[Path]:
    """Where systems keep fonts."""
    home = Path.home()
    known = {
        "win32": [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"],
        "darwin": [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"],
    }
    linux = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts", home / ".fonts"]
    return known.get(sys.platform, linux)


def runs_of(text: str, size: int) -> list[tuple[str, Font]] | None:
    """A line of text in pieces, each with a font that has all of its glyphs; None where a glyph is in no font here."""
    own = ImageFont.load_default(size)
    runs: list[tuple[str, Font]] = []
    for known, characters in groupby(text, key=lambda character: has_glyphs(own, character)):
        piece = "".join(characters)
        font = own if known else font_of(piece, size)
        if font is None:
            return None
        runs.append((piece, font))
    return runs


@cache
def font_of(text: str, size: int) -> Font | None:
    """A font of this machine that has the glyphs of `text`, asked of fontconfig first, else looked for."""
    if not features.check("raqm") and any(unicodedata.bidirectional(character) in SHAPED for character in text):
        return None  # its letters would stand apart, in the wrong order
    for path, face in (*_asked_for(text), *_lying_about()):
        try:
            font = ImageFont.truetype(path, size, index=face)
            if has_glyphs(font, text):
                return font
        except OSError:  # no font, or one of bitmaps in other sizes
            continue
    return None


def has_glyphs(font: Font, text: str) -> bool:
    """Whether a font draws every character as something else than what it draws for an unknown one."""
    unknown = bytes(font.getmask(NO_CHARACTER))
    return all(bytes(font.getmask(character)) != unknown for character in set(text) if not character.isspace())


def _asked_for(text: str) -> Iterator[tuple[str, int]]:
    asking = shutil.which("fc-match")
    if asking is None:
        return
    wanted = " ".join(f"{ord(character):x}" for character in sorted(set(text)) if not character.isspace())
    command = [asking, "--format", "%{file}\n%{index}", f"sans:charset={wanted}"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    if len(found) == 2 and found[1].isdecimal():
        yield found[0], int(found[1]) & 0xFFFF  # above it, which instance of a variable font


def _lying_about() -> Iterator[tuple[str, int]]:
    for folder in font_folders():
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                yield str(path), 0
