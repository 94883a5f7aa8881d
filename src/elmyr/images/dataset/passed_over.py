"""What is no part of an image set: leftovers, passed over without a word, and other files, which are told."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from elmyr.core.notes import note
from elmyr.images.decode.codecs import FIXES, suffix_of
from elmyr.images.decode.encoded import shown

# What systems, viewers and servers leave in folders and archives.
LEFTOVERS = {
    "__macosx",
    "@eadir",
    "#recycle",
    "@recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "__pycache__",
}
NAMED, NAMED_KINDS = 3, 6  # names, and suffixes, in one line


def is_leftover(name: str) -> bool:
    """Whether a file or folder of this name is passed over without a word; all hidden ones are."""
    return name.startswith((".", "~$")) or name.lower() in LEFTOVERS


def examples(names: Iterable[str]) -> str:
    """The first names of some, in quotes."""
    known = list(names)
    return ", ".join([*(f"'{shown(name)}'" for name in known[:NAMED]), *["…"] * (len(known) > NAMED)])


def kinds_of(files: Iterable[str]) -> str:
    """Files that are not read: counted by suffix, with an example of each and what makes it readable."""
    by_suffix: dict[str, list[str]] = {}
    for file in files:
        by_suffix.setdefault(suffix_of(file), []).append(file)
    kinds = sorted(by_suffix.items(), key=lambda kind: -len(kind[1]))
    told = [_kind(suffix, names) for suffix, names in kinds[:NAMED_KINDS]]
    more = sum(len(names) for _, names in kinds[NAMED_KINDS:])
    return ", ".join([*told, f"{more:,} others"] if more else told)


def note_files(where: Path, files: Collection[str]) -> None:
    """Tells of the files in a place that are passed over, if there are any."""
    if files:
        count = "1 file is" if len(files) == 1 else f"{len(files):,} files are"
        note(f"'{where}': {count} passed over: {kinds_of(files)}")


def _kind(suffix: str, names: list[str]) -> str:
    fix = f": {FIXES[suffix]}" if suffix in FIXES else ""
    more = ", …" if len(names) > 1 else ""
    return f"{len(names):,} {shown(suffix) or 'without suffix'} ('{shown(names[0])}'{more}{fix})"
