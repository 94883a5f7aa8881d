"""A large image in tiles: each with so much around it that what is made of its inside is what the whole would give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

TILE = 384  # pixels a side, without what stands around


class Tile(NamedTuple):
    """outer: what is looked at, rows and columns of the image; inner: what is taken of it; place: where that goes."""

    outer: tuple[slice, slice]
    inner: tuple[slice, slice]
    place: tuple[slice, slice]


def tiles(height: int, width: int, *, reach: int, multiple: int, side: int = TILE) -> Iterator[Tile]:
    """The tiles of an image, together all of it; `reach` pixels around each, and each begins at a `multiple`."""
    margin = -(-reach // multiple) * multiple
    step = max(multiple, side // multiple * multiple)
    for rows in _spans(height, step, margin):
        for columns in _spans(width, step, margin):
            outer, inner, place = zip(rows, columns, strict=True)
            yield Tile(outer, inner, place)


def _spans(length: int, step: int, margin: int) -> Iterator[tuple[slice, slice, slice]]:
    for start in range(0, length, step):
        end = min(start + step, length)
        first, last = max(0, start - margin), min(length, end + margin)
        yield slice(first, last), slice(start - first, end - first), slice(start, end)
