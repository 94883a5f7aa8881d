"""Images that are still in their files' form, wherever they lie: what the readers of such files give."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.shaping import Choice
from elmyr.images.decode.formats import TooLarge, quiet_decoders

NAMED = 5
MOST_DIGITS = 19
NO_IMAGE = "not an image"  # the reason where no decoder knows a file
MOST_SHOWN, MOST_TOLD = 120, 400  # signs of a name, and of all that is told of damage
NO_TEXT = re.compile("[\ud800-\udfff]")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

T = TypeVar("T")
Damage = dict[int, str]


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """What folders, parquet files and tar shards hold.

    name: of the set; where: what to call it in messages; names: of each image, for messages; open: the file of an
    image by its place; files: those that the images are in, for the cache; labels: int64 (N,) or None; classes: their
    names; labels_from: what the labels were read from, for people.
    """

    name: str
    where: str
    names: Sequence[str]
    open: Callable[[int], BinaryIO]
    files: Sequence[str]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    labels_from: str | None = None

    def __post_init__(self) -> None:
        odd = next((name for name in self.classes if NO_TEXT.search(name)), None)
        if odd is not None:
            raise InputError(f"'{self.where}' has the class '{shown(odd)}', which is not UTF-8: rename it")

    def __len__(self) -> int:
        return len(self.names)

    def of_choice(self, choice: Choice) -> EncodedImages:
        """The chosen images alone."""
        places = choice.places.tolist()
        return EncodedImages(
            name=self.name,
            where=self.where,
            names=[self.names[place] for place in places],
            open=lambda place: self.open(places[place]),
            files=self.files,
            labels=choice.labels,
            classes=choice.classes,
            labels_from=self.labels_from,
        )


def joined(parts: Sequence[EncodedImages]) -> EncodedImages:
    """Parts of one set, one after the other; InputError where only some of them have labels."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    if len({bool(part.classes) for part in parts}) > 1:
        with_labels, without = (next(part for part in parts if bool(part.classes) is known) for known in (True, False))
        raise InputError(
            f"'{first.where}': images such as '{shown(with_labels.names[0])}' have labels, those such as "
            f"'{shown(without.names[0])}' none: label all, or give the folder of those with labels alone"
        )
    classes = first.classes
    if any(part.classes != classes for part in parts):
        classes = in_order({name for part in parts for name in part.classes})
    places = [(part, place) for part in parts for place in range(len(part))]
    number_of = {name: number for number, name in enumerate(classes)}
    labels = [
        number_of[part.classes[label]] for part in parts if part.labels is not None for label in part.labels.tolist()
    ]
    return EncodedImages(
        name=first.name,
        where=first.where,
        names=[part.names[place] for part, place in places],
        open=lambda place: places[place][0].open(places[place][1]),
        files=[file for part in parts for file in part.files],
        labels=np.array(labels, np.int64) if classes else None,
        classes=classes,
        labels_from=first.labels_from,
    )


def is_number(name: str) -> bool:
    """Whether it is a whole number that a label can be."""
    return name.isascii() and name.isdecimal() and len(name) < MOST_DIGITS


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The names of classes as a reader would order them: numbers by their value, else by the alphabet."""
    known = sorted(names)
    return tuple(sorted(known, key=int) if all(is_number(name) for name in known) else known)


def one_line(text: str) -> str:
    """A name as it can be printed: what would break the line, or is no text, is escaped."""
    return UNPRINTABLE.sub(lambda sign: ascii(sign[0])[1:-1], text)


def shown(text: str) -> str:
    """A name as it stands in a message: on one line, without its middle where it is very long."""
    line = one_line(text)
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN // 2]}…{line[-MOST_SHOWN // 2 :]}"


def open_file(path: str) -> BinaryIO:
    """A regular file; what else bears an image's name, such as a pipe, would never end."""
    if not os.path.isfile(path):
        missing = "leads nowhere" if os.path.islink(path) else "no such file"
        raise OSError("not a file" if os.path.exists(path) else missing)
    return open(path, "rb")


def each(
    images: EncodedImages,
    places: Sequence[int],
    see: Callable[[BinaryIO], T],
    damage: Damage,
    *,
    workers: int = 1,
    at_once: int = 1,
) -> Iterator[tuple[int, T]]:
    """What `see` makes of each image, in order; what is not whole goes into `damage`.

    workers: threads, which pay where an image takes long to decode; each takes `at_once` images ahead.
    """

    def look(place: int) -> T | Exception:
        try:
            with images.open(place) as file:
                return see(file)
        except TooLarge as error:
            raise InputError(
                f"image '{shown(images.names[place])}' is far too large ({error}): resize it, or remove it"
            ) from None
        except MemoryError:
            raise
        except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
            return error

    with quiet_decoders(), ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(places), workers * at_once):
            part = places[start : start + workers * at_once]
            seen = pool.map(look, part) if workers > 1 else map(look, part)
            for place, found in zip(part, seen, strict=True):
                if isinstance(found, Exception):
                    damage[place] = _reason(found)
                else:
                    yield place, found


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    told = " ".join(str(error).split())
    if not told or told.startswith("cannot identify image file"):
        return NO_IMAGE if told else type(error).__name__
    return shown(told)


def told_damage(images: EncodedImages, damage: Damage) -> str:
    """How many images could not be read, and the first of them with the reason."""
    told = [f"'{shown(images.names[place])}': {why}" for place, why in list(damage.items())[:NAMED]]
    while len(told) > 1 and sum(map(len, told)) > MOST_TOLD:
        told.pop()
    more = ", …" if len(damage) > len(told) else ""
    return f"{len(damage)} unreadable image{'s' * (len(damage) > 1)} ({', '.join(told)}{more})"
