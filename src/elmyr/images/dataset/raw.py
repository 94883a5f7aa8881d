"""Images as an array has them, of any range of values: what the readers of arrays give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.dataset.imageset import ImageSet, Pixels
from elmyr.images.dataset.ranges import BYTES, Range, Values, extent_of, held, in_bytes, is_plain, merged, range_note
from elmyr.images.dataset.rewritten import rewritten
from elmyr.images.dataset.shaping import Choice
from elmyr.images.decode.encoded import one_line
from elmyr.images.storage.stored import StoredPixels


@dataclass(frozen=True, eq=False)
class RawImages:
    """Values (N, H, W, C) of any numeric dtype; labels int64 (N,) or None; the names of the classes; a name.

    where: what to call the set in messages; its name where empty.
    """

    values: Values
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...] = ()
    name: str = "images"
    where: str = ""

    def __len__(self) -> int:
        return len(self.values)

    def of_choice(self, choice: Choice) -> RawImages:
        """The chosen images alone."""
        values = (
            self.values.take(choice.places) if isinstance(self.values, StoredPixels) else self.values[choice.places]
        )
        return RawImages(values, choice.labels, choice.classes, self.name, self.where)


class Leveled(NamedTuple):
    """Parts of one set in bytes; and the range of values that was found for them, None where their type tells it."""

    parts: list[ImageSet]
    found: Range | None


def leveled(parts: Sequence[RawImages | ImageSet], asked: Range | None) -> Leveled:
    """Parts of one set with all values from 0 to 255, by one range for all: the one that is asked for, or found.

    What was found, or is cut off, is told. Raises InputError where the range cannot be known, and for values that are
    not finite.
    """
    raw = [part if isinstance(part, RawImages) else _of_set(part) for part in parts]
    where, types = raw[0].where or raw[0].name, sorted({str(part.values.dtype) for part in raw})
    if len(types) > 1:
        raise InputError(f"'{where}' has training and test images of {' and '.join(types)}: convert them to one type")
    try:
        extent = merged([extent_of(part.values, whole=asked is not None) for part in raw])
        taken = held(asked, extent)
        sets = [_in_bytes(part, taken) for part in raw]
    except InputError as error:
        raise InputError(f"'{where}': {one_line(str(error))}") from None
    if said := range_note(taken, extent, asked):
        note(f"'{where}': {said}")
    return Leveled(sets, None if asked is not None or is_plain(taken, extent.dtype) else taken)


def _of_set(images: ImageSet) -> RawImages:
    return RawImages(images.images, images.labels, images.classes, images.name)


def _in_bytes(part: RawImages, of: Range) -> ImageSet:
    values = part.values
    pixels: Pixels
    if not isinstance(values, StoredPixels):
        pixels = in_bytes(values[:], of)
    elif of == BYTES:
        pixels = values
    else:
        pixels = rewritten(values, values.shape[1:], partial(in_bytes, of=of), of)
    return ImageSet(pixels, part.labels, part.classes, part.name)
