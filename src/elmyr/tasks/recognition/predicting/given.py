"""The images that are given to be read: files, folders, globs, lists of paths, and whole data sets."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from elmyr.core.errors import InputError, nearest
from elmyr.core.files import likely_meant
from elmyr.images import ImageSet, Shaping, lasting_name
from elmyr.images.dataset.raw import RawImages
from elmyr.images.dataset.shaping import choice_of
from elmyr.images.dataset.sources import every_part
from elmyr.images.decode.codecs import is_image
from elmyr.images.decode.encoded import EncodedImages, open_file, shown
from elmyr.images.decode.listing import Listing, as_people_order, files_in, is_glob, listed, paths_in
from elmyr.images.readers import SOURCES, reader_of

LIST = "-"  # the word for a list of paths on standard input


@dataclass(frozen=True)
class Given:
    """Images of any form, what each is called, and what was passed over beside them."""

    images: EncodedImages | ImageSet | RawImages
    names: Sequence[str]
    passed_over: str = ""

    @classmethod
    def of_files(cls, files: Listing) -> Given:
        """Files that may be anything: what is no image is told of where it is read."""
        encoded = EncodedImages(
            name="files",
            where="files",
            names=files.files,
            open=lambda place: open_file(files.files[place]),
            files=files.files,
            labels=None,
            classes=(),
        )
        return cls(encoded, files.files, files.told())

    @classmethod
    def of_data(cls, word: str, data_root: str | os.PathLike[str] | None, shaping: Shaping) -> Given:
        """The training images of a data set, or the chosen ones of them: called by their files, else by numbers."""
        part = every_part(word, data_root)[0]
        choice = choice_of(part, shaping)
        places = range(len(part)) if choice is None else choice.places.tolist()
        names = list(map(str, places))
        if isinstance(part, EncodedImages):
            have_files = len(part.files) == len(part)
            names = [part.files[place] if have_files else part.names[place] for place in places]
        if choice is None:
            return cls(part, names)
        return cls(part.take(choice.places) if isinstance(part, ImageSet) else part.of_choice(choice), names)


def given_by(
    words: Sequence[str],
    *,
    read_list: Callable[[], bytes],
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping,
) -> list[Given]:
    """What the words of a command line stand for, in their order; what a shell made of a glob in natural order.

    A word is a path of a file or of a folder of images, a glob, `-` for the list that `read_list` gives, or a data set
    by a known name or a path. shaping: the `classes` and the `limit` of data sets; with either every word is one.
    Raises InputError for a word that stands for nothing.
    """
    given: list[Given] = []
    files: list[Listing] = []

    def end_files() -> None:
        if files:
            passed_over = sum((one.passed_over for one in files), Counter[str]())
            given.append(Given.of_files(Listing([file for one in files for file in one.files], passed_over)))
            files.clear()

    chosen = bool(shaping.classes) or shaping.limit is not None
    for word in as_people_order(words):
        if chosen and (word == LIST or is_image(word) or is_glob(word)):
            raise InputError(
                f"--classes and --limit choose from data sets, and '{shown(word)}' is not one: leave them out"
            )
        if chosen or _is_data(word):
            end_files()
            given.append(Given.of_data(word, data_root, shaping))
        elif word == LIST:
            paths = paths_in(read_list())
            if not paths:
                raise InputError("the list of paths on standard input is empty: send a path on each line")
            files.append(listed(paths))
        elif os.path.lexists(word) or is_glob(word):
            files.append(listed([word]))
        else:
            near = likely_meant(Path(word)) or nearest(word, SOURCES)
            hint = f"did you mean '{shown(str(near))}'?" if near else "check the path"
            raise InputError(f"there is no file or folder '{shown(word)}': {hint}")
    end_files()
    return given


def _is_data(word: str) -> bool:
    """Whether a word names a data set, and no file or folder of images."""
    path = Path(word)
    if word == LIST or is_glob(word):
        return False
    if lasting_name(word) == word and not path.is_absolute():
        return True  # a known name
    if path.is_dir():
        return reader_of(path) is not None and not files_in(word).files
    return not is_image(word) and reader_of(path) is not None
