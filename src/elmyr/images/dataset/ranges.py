"""The range of values: which is black and which is white, told by all values of a set, never by those of one image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError

Range = tuple[float, float]  # the value that is black, the value that is white

BYTES: Range = (0.0, 255.0)
SIXTEEN_BITS: Range = (0.0, 65535.0)
# The highest value of whole numbers: 1 to 4 bits, scikit-learn's digits, 8, 10, 12, 14 and 16 bits.
LEVELS = (1, 3, 7, 15, 16, 255, 1023, 4095, 16383, 65535)
OVERSHOOT = 0.15  # share of a range by which floats may lie beyond it, as a bicubic resize leaves them
DARKEST = 16  # of bytes: whose brightest value over a whole set is no more were scaled to less than 255
FEWEST = 10  # images of bytes, which say nothing of a range where they are fewer: one may be black
PIECE = 1 << 22  # values that are converted at a time


class Values(Protocol):
    """An array, or images that stay on the disk."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a value."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of images first."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, places: Any, /) -> NDArray[Any]: ...


class Extent(NamedTuple):
    """The lowest and the highest value of so many images of a type.

    Of bytes the highest may be any above 16: their range is known then.
    """

    dtype: np.dtype[Any]
    lowest: float
    highest: float
    images: int


def extent_of(images: Values, *, whole: bool = False) -> Extent:
    """The extent of images of any dtype; of bytes that of all images only where the `whole` is asked for.

    Raises InputError for values that are no numbers, or not finite.
    """
    if images.dtype.kind not in "buif":
        raise InputError(f"the images are {images.dtype}, not numbers: give uint8 of 0 to 255")
    lowest, highest = float("inf"), float("-inf")
    for start, piece in _pieces(images):
        low, high = float(piece.min()), float(piece.max())
        if not (isfinite(low) and isfinite(high)):
            place = start + int(np.flatnonzero(~np.isfinite(piece).reshape(len(piece), -1).all(1))[0])
            raise InputError(f"image {place} has values that are no numbers: np.nan_to_num(images), or leave it out")
        lowest, highest = min(lowest, low), max(highest, high)
        if images.dtype == np.uint8 and highest > DARKEST and not whole:
            break
    return Extent(images.dtype, lowest, highest, len(images))


def merged(extents: Sequence[Extent]) -> Extent:
    """The extent of all images or parts of a set together."""
    return Extent(
        np.result_type(*{extent.dtype for extent in extents}),
        min(extent.lowest for extent in extents),
        max(extent.highest for extent in extents),
        sum(extent.images for extent in extents),
    )


def found_range(extent: Extent) -> Range:
    """The range that a set's values are of: floats of [0, 1] or [-1, 1], else the fewest bits that hold the highest.

    Floats that go a little beyond 0 to 1 or -1 to 1, as a resize leaves them, are of that range. Bytes are 0 to
    255 unless the highest of all is 16 or less. Raises InputError where nothing usual holds them.
    """
    if extent.dtype.kind == "f":
        for black, lit in ((0.0, 1.0), (-1.0, 1.0)):
            beyond = OVERSHOOT * (lit - black)
            if black - beyond <= extent.lowest and extent.highest <= lit + beyond:
                return black, lit
    if extent.dtype == np.uint8 and (extent.images < FEWEST or not 0 < extent.highest <= DARKEST):
        return BYTES
    white = next((level for level in LEVELS if extent.highest <= level), None)
    beyond = extent.dtype.kind == "f" and extent.highest < DARKEST and extent.highest % 1  # of 0 to 1, by resizing
    if extent.lowest < 0 or white is None or beyond:
        low, high = f"{extent.lowest:g}", f"{extent.highest:g}"
        raise InputError(
            f"the values go from {low} to {high}, of no known range: pass --range {low}:{high} (black:white), or "
            "scale them to 0..255"
        )
    return (0.0, float(white))


def held(asked: Range | None, extent: Extent) -> Range:
    """The range that a set is taken in: the one that is asked for; the one found where it is of other values.

    Of other values are bytes where the range goes beyond 0 to 255, and floats up to 1 where it ends above: as 8-bit
    images shown to a model that has learned from 12 bits.
    """
    if asked is None:
        return found_range(extent)
    if extent.dtype == np.uint8:
        return asked if bytes_hold(asked) else found_range(extent)
    return found_range(extent) if extent.dtype.kind in "fb" and extent.highest <= 1 < asked[1] else asked


def bytes_hold(asked: Range) -> bool:
    """Whether a range may be one of bytes."""
    return BYTES[0] <= asked[0] and asked[1] <= BYTES[1]


def is_plain(found: Range, dtype: np.dtype[Any]) -> bool:
    """Whether bytes, bits or floats have their own whole range, so that the type tells it of other images, too."""
    return found == (0, 255 if dtype == np.uint8 else 1) and dtype.str[1:] in ("u1", "b1", "f2", "f4", "f8")


def range_note(taken: Range, extent: Extent, asked: Range | None = None) -> str:
    """What is said of a range: where it was found, and where values lie beyond it; "" where there is nothing to say."""
    low, white = (f"{end:g}" for end in taken)
    told = f"values from {extent.lowest:g} to {extent.highest:g}"
    if extent.lowest < taken[0] or extent.highest > taken[1]:
        return f"{told}: what is beyond {low} (black) and {white} (white) is cut off; another range with --range"
    if taken in (asked, (0, {"u1": 255, "u2": 65535, "b1": 1}.get(extent.dtype.str[1:]))):
        return ""
    return f"{told}: {low} is taken as black, {white} as white; another range with --range LOW:HIGH"


def in_bytes(images: NDArray[Any], of: Range) -> NDArray[np.uint8]:
    """Values of any shape and numeric dtype as uint8: black is 0, white 255, what lies beyond is cut off."""
    if images.dtype == np.uint8 and of == BYTES:
        return images
    low, scale = of[0], 255 / (of[1] - of[0])
    scaled = np.empty(images.shape, np.uint8)
    for start, piece in _pieces(images):
        levels = (piece.astype(np.float64) - low) * scale
        scaled[start : start + len(piece)] = np.rint(np.clip(levels, 0, 255))
    return scaled


def parse_range(text: str) -> Range:
    """`0:4095` as the value that is black and the one that is white; InputError for what is none."""
    try:
        low, high = (float(number) for number in text.split(":"))
    except ValueError:
        low = high = 0.0
    if not (low < high and isfinite(low) and isfinite(high)):
        raise InputError(f"the range is '{text[:40]}': give the values that are black and white, as 0:4095")
    return low, high


def _pieces(images: Values) -> Iterator[tuple[int, NDArray[Any]]]:
    """Some images at a time, with the place of the first."""
    each = max(1, PIECE // max(1, int(np.prod(images.shape[1:]))))
    for start in range(0, len(images), each):
        yield start, images[start : start + each]
