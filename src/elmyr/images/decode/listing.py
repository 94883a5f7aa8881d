"""Image files as a user names them: by paths, folders, globs and lists; in natural order, none passed over unsaid."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from elmyr.core.errors import InputError
from elmyr.images.dataset.passed_over import is_leftover
from elmyr.images.decode.codecs import FIXES, decoders, is_image, is_other_image, suffix_of
from elmyr.images.decode.encoded import shown

NUMBER = re.compile(r"(\d+)")
TOLD = 5  # kinds of files that were passed over

Word = str | os.PathLike[str]


@dataclass(frozen=True)
class Listing:
    """Paths of image files, as they are to be shown; how many files of each suffix were passed over in folders."""

    files: Sequence[str]
    passed_over: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """What was passed over, as `3 .txt, 1 .mov`, and what makes it readable."""
        kinds = [
            f"{count:,} {suffix or 'without a suffix'}{f' ({FIXES[suffix]})' if suffix in FIXES else ''}"
            for suffix, count in self.passed_over.most_common(TOLD)
        ]
        return ", ".join([*kinds, *(["…"] if len(self.passed_over) > TOLD else [])])


def natural_order(path: str) -> tuple[tuple[tuple[int, int | str], ...], ...]:
    """A key that sorts paths as people do: 2 before 10, whatever their case; a folder's own files by their names."""
    return tuple(
        tuple((0, int(part)) if part.isdecimal() else (1, part.casefold()) for part in NUMBER.split(name) if part)
        for name in path.split(os.sep)
    )


def files_in(folder: str) -> Listing:
    """The image files in a folder and in those inside it, also behind links; hidden ones are not looked at.

    Images of a kind that is not read here are among them: their predictions give the reason.
    InputError for a folder that cannot be read.
    """
    files, passed_over = list[str](), Counter[str]()
    for path in _walked(folder, set()):
        if is_image(path) or is_other_image(path):
            files.append(path)
        else:
            passed_over[suffix_of(path)] += 1
    return Listing(sorted(files, key=lambda path: (natural_order(path), path)), passed_over)


def is_glob(word: str) -> bool:
    """Whether it is a pattern, such as `photos/*.png`, and no path."""
    return glob.has_magic(word) and not os.path.lexists(word)


def matches_of(pattern: str) -> list[str]:
    """The paths that a pattern matches, in natural order; `**` stands for folders at any depth."""
    return sorted(glob.glob(pattern, recursive=True), key=lambda path: (natural_order(path), path))


def as_people_order(words: Sequence[str]) -> Sequence[str]:
    """Paths that a shell has put into the order of their letters, for a glob, in natural order; others as they are."""
    by_letters = list(words) in (sorted(words), sorted(words, key=str.casefold))
    return sorted(words, key=natural_order) if by_letters and all(map(os.path.isfile, words)) else words


def listed(words: Iterable[Word]) -> Listing:
    """The files that paths, folders and globs stand for, in the order of the words.

    A path that leads nowhere stands for itself: it is told of where it is read. Raises InputError for a folder without
    images, and for a glob that matches nothing.
    """
    listings = [_listing_of(os.fspath(word)) for word in words]
    passed_over = sum((one.passed_over for one in listings), Counter[str]())
    return Listing([file for one in listings for file in one.files], passed_over)


def paths_in(content: bytes) -> list[str]:
    """The paths of a list, one a line, or ended by zeros as `find -print0` writes them."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    lines = content.split(b"\0") if b"\0" in content else content.splitlines()
    return [os.fsdecode(line) for line in lines if line.strip()]


def _listing_of(word: str) -> Listing:
    if os.path.isdir(word):
        found = files_in(word)
        if not found.files:
            held = f"it holds {found.told()}" if found.passed_over else "it is empty"
            raise InputError(f"'{shown(word)}' has no images ({', '.join(sorted(decoders()))}): {held}")
        return found
    if is_glob(word):
        matches = matches_of(word)
        if not matches:
            raise InputError(f"'{shown(word)}' matches no file: check the folder and the suffix")
        return listed(matches)
    return Listing([word])


def _walked(folder: str, seen: set[str]) -> Iterator[str]:
    """All files in a folder, each folder once, whatever links lead to it."""
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"'{shown(folder)}' cannot be read ({error.strerror}): make it readable") from None
    for entry in entries:
        if is_leftover(entry.name):
            continue
        if os.path.isdir(entry.path):
            yield from _walked(entry.path, seen)
        else:
            yield entry.path
