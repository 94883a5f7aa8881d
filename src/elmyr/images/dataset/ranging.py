"""The range of values of image files: found over all files of a set, with no more looks than that takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from elmyr.core.errors import InputError
from elmyr.images.dataset.ranges import DARKEST, LEVELS, Extent, Range, held, is_plain, merged, range_note
from elmyr.images.decode.encoded import EncodedImages, each
from elmyr.images.decode.formats import Header, is_deep, read_extent


class Ranging(NamedTuple):
    """The range to read all files in, None for their types' own; whether that was found, and what is said of it."""

    taken: Range | None
    found: Range | None
    notes: list[str]


def range_of(sets: Sequence[EncodedImages], seen: Sequence[Mapping[int, Header]], asked: Range | None) -> Ranging:
    """The range of the files of a set's parts by their headers: of those of more than 8 bits, where there are any.

    Raises InputError where it cannot be known.
    """
    places = [[place for place, header in headers.items() if is_deep(header.mode)] for headers in seen]
    if not any(places):
        places = [list(headers) for headers in seen]
    extents = list(_extents(sets, places, whole=asked is not None))
    if not extents:  # none can be read, which is told elsewhere
        return Ranging(asked, None, [])
    extent = merged(extents)
    try:
        taken = held(asked, extent)
    except InputError as error:
        raise InputError(f"'{sets[0].where}': {error}") from None
    said = range_note(taken, extent, asked)
    found = None if asked is not None or is_plain(taken, extent.dtype) else taken
    return Ranging(taken, found, [said] if said else [])


def _extents(sets: Sequence[EncodedImages], places: Sequence[Sequence[int]], *, whole: bool) -> Iterator[Extent]:
    """The extents of the files at these places, until they tell the range."""
    for images, wanted in zip(sets, places, strict=True):
        for _, extent in each(images, wanted, read_extent, {}):
            yield extent
            enough = {"uint8": DARKEST, "uint16": LEVELS[-2]}.get(np.dtype(extent.dtype).name)
            if enough is not None and extent.highest > enough and not whole:
                return
