"""The axes of an array of images: which is the number, the height, the width and the channel is told by the shape."""

from __future__ import annotations

from math import isqrt
from typing import Any, NamedTuple

from numpy.typing import NDArray

from elmyr.core.errors import InputError

CHANNELS = (1, 3)
SMALLEST_FLAT = 8  # pixels a side: a shorter row of numbers is a row of features
STRETCHED = 4  # times as wide as high: no image, but a number of images that stands last
WIDEST = 128  # pixels, of an image that may be as stretched as that

# The orders that are looked for, the plain one first; and what turns each into (N, H, W) or (N, H, W, C).
ORDERS = {
    "NHW": "images",
    "HWN": "np.moveaxis(images, -1, 0)",
    "NHWC": "images",
    "NCHW": "np.moveaxis(images, 1, -1)",
    "HWCN": "np.moveaxis(images, -1, 0)",
    "CHWN": "images.transpose(3, 1, 2, 0)",
    "HWNC": "np.moveaxis(images, 2, 0)",
}


class Arranged(NamedTuple):
    """Images (N, H, W, C), a view of what was given; and what was done to them, "" where nothing."""

    images: NDArray[Any]
    said: str


def arranged(images: NDArray[Any], count: int | None = None) -> Arranged:
    """Images of any dtype in any usual layout as (N, H, W, C), with C 1 (gray) or 3 (RGB).

    images: (N, H, W), (N, H, W, C), (N, C, H, W), (N, H*W) with square images, or one of these with the number of
    images last. count: how many images there are, known from their labels; None where there are none. Raises
    InputError, with the line of numpy that would do, for a shape that may mean two things or nothing.
    """
    if not images.size:
        raise InputError(f"there are no images: the shape is {images.shape}")
    if images.ndim == 2:
        return _from_rows(images, count)
    orders = [order for order in ORDERS if len(order) == images.ndim]
    if not orders:
        raise InputError(
            f"the images have the shape {images.shape}, not (N, H, W) or (N, H, W, C): bring them into that, as by "
            "images.reshape(-1, HEIGHT, WIDTH, CHANNELS)"
        )
    possible = [order for order in orders if _fits(images.shape, order, count)]
    if images.ndim == 3 and count is None:
        _refuse_doubtful(images.shape)
    if not possible:
        raise InputError(_no_layout(images.shape, count))
    order = possible[0]
    if images.ndim == 3 and count is None and _numbered_last(images.shape):
        order = "HWN"
    moved = _moved(images, order)
    if order in ("NHW", "NHWC"):
        return Arranged(moved, "")
    return Arranged(moved, f"the images have the shape {images.shape}, taken as {_axes(order)}: {ORDERS[order]}")


def _axes(order: str) -> str:
    return f"({', '.join(order)})"


def _fits(shape: tuple[int, ...], order: str, count: int | None) -> bool:
    """Whether a shape may be of this order; of those that are not the plain one only where nothing else is likely."""
    number, height, width = (shape[order.index(axis)] for axis in "NHW")
    if "C" in order and shape[order.index("C")] not in CHANNELS:
        return False
    if count is not None:
        return number == count
    return order in ("NHW", "NHWC", "NCHW") or (height == width and number > height)


def _moved(images: NDArray[Any], order: str) -> NDArray[Any]:
    moved = images.transpose([order.index(axis) for axis in "NHWC" if axis in order])
    return moved if moved.ndim == 4 else moved[..., None]


def _numbered_last(shape: tuple[int, ...]) -> bool:
    return shape[0] == shape[1] and shape[2] >= 2 * shape[0]


def _refuse_doubtful(shape: tuple[int, ...]) -> None:
    """InputError for three axes, without labels, that may as well mean something else."""
    first, height, width = shape
    if width in (3, 4) and min(first, height) >= SMALLEST_FLAT:
        raise InputError(
            f"the images have the shape {shape}: one image of {first}x{height} with {width} channels? Give several as "
            "(N, H, W, C): np.stack(images)"
        )
    likely_last = first == height != width and width > height and not _numbered_last(shape)
    if likely_last or (first != height and width > WIDEST and width >= STRETCHED * max(first, height)):
        raise InputError(
            f"the images have the shape {shape}: {width:,} of {first}x{height}, the number last? Then write "
            f"{ORDERS['HWN']}; or {first:,} of {height}x{width}: images[..., None]"
        )


def _no_layout(shape: tuple[int, ...], count: int | None) -> str:
    """The likely cause, and the line of numpy, for a shape of three or four axes that nothing fits."""
    if count is not None and count not in shape:
        return f"there are {count:,} labels, and the images have the shape {shape}: give one label per image"
    told = f"the images have the shape {shape}"
    if len(shape) == 4 and shape[3] in (2, 4):
        kept = shape[3] - 1
        return f"{told}: {shape[3]} channels, the last one transparency? Leave it out: images[..., :{kept}]"
    if len(shape) == 4 and shape[1] in (2, 4):
        kept = shape[1] - 1
        return (
            f"{told}: {shape[1]} channels, before the height, the last one transparency? Write "
            f"np.moveaxis(images[:, :{kept}], 1, -1)"
        )
    return (
        f"{told}, not (N, H, W) or (N, H, W, C) with C 1 (gray) or 3 (RGB): move the axes, as by "
        f"{ORDERS['NCHW']} for channels before the height, {ORDERS['HWN']} for the number last"
    )


def _from_rows(images: NDArray[Any], count: int | None) -> Arranged:
    """A table of pixels: one row, or one column, an image."""
    rows, columns = images.shape
    told = f"the images have the shape {images.shape}"
    if count is None and rows == columns:
        raise InputError(f"{told}: one image? Give several, as (N, H, W): np.stack(images)")
    for table, number, pixels, line in ((images, rows, columns, ""), (images.T, columns, rows, ".T")):
        side = isqrt(pixels)
        confirmed = number == count if count is not None else not line or number > pixels
        if side**2 == pixels and side >= SMALLEST_FLAT and confirmed:
            said = f"{told}, taken as (N, H*W): images{line}.reshape(-1, {side}, {side})"
            return Arranged(table.reshape(-1, side, side, 1), said)
    side = isqrt(columns // 3)
    if 3 * side**2 == columns and side >= SMALLEST_FLAT:
        raise InputError(
            f"{told}: flat RGB images of {side}x{side}? Write images.reshape(-1, 3, {side}, {side})"
            f".transpose(0, 2, 3, 1) where a color follows the other (as in CIFAR), else images.reshape(-1, {side}, "
            f"{side}, 3)"
        )
    raise InputError(
        f"{told}, and {columns:,} values are no square image: write images.reshape(-1, HEIGHT, WIDTH) with the height "
        "and the width that they have"
    )
