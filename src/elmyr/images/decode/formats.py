"""One image file, from any of the common formats and modes to pixels; whatever it is not raises."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from elmyr.core.errors import InputError
from elmyr.images.dataset.ranges import BYTES, SIXTEEN_BITS, Extent, Range, bytes_hold, extent_of, found_range, in_bytes
from elmyr.images.dataset.shaping import as_pixels, fitted
from elmyr.images.dataset.sizes import Size
from elmyr.images.decode.codecs import decoders

GRAY_MODES = {"1", "L", "LA"}  # and the 16-bit ones, which all begin with I;16
DEEP_MODES = ("I", "F")  # more than 8 bits: whole numbers of 16 (I;16) or 32 bits, floats
ORIENTATION = 0x0112
ORIENTED_FORMATS = {"JPEG", "MPO", "TIFF", "WEBP", "AVIF"}  # a PNG would have to be decoded to learn its orientation
LYING = {5, 6, 7, 8}  # orientations that exchange height and width
MOST_PIXELS = 100_000_000
SPARED = 3  # times the asked size, that a JPEG is decoded to at least: nothing of it is to be seen in the result


class TooLarge(Exception):
    """The header promises more pixels than anyone means to train on."""


class Header(NamedTuple):
    """What is known of an image before its pixels are decoded; `several` where it is one of many frames or pages."""

    size: Size
    gray: bool
    mode: str
    several: bool = False


def read_header(file: BinaryIO) -> Header:
    """Size as it is shown, whether it is gray, Pillow's mode; raises nearly anything for what is no whole image."""
    with _opened(file) as image:
        width, height = image.size
        if _orientation(image) in LYING:
            width, height = height, width
        several = image.format != "MPO" and bool(getattr(image, "is_animated", False))  # a phone's holds a preview
        return Header((height, width), _is_gray(image), image.mode, several)


def read_extent(file: BinaryIO) -> Extent:
    """The lowest and the highest value of an image, as they are stored."""
    with _opened(file) as image:
        return _extent(image if is_deep(image.mode) else _opaque(image))


def read_pixels(
    file: BinaryIO, channels: int | None, size: Size | None, fit: str, of: Range | None = None
) -> NDArray[np.uint8]:
    """The pixels uint8 (H, W, C), turned as the camera was held, in a size and channels, or in their own where None.

    of: the values that are black and white; where None, and where 8 bits cannot be of that range, the whole range of 8
    or 16 bits. Of an animation the first frame; what is transparent lies on white, as a viewer shows it.
    """
    with _opened(file) as image:
        channels = channels or (1 if _is_gray(image) else 3)
        if size:
            _spare(image, size)
        if _orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
        opaque = _leveled(image, of)
        return as_pixels(fitted(opaque, size, fit) if size else opaque, channels)


class Picture(NamedTuple):
    """An image of its own size and channels: uint8 (H, W, C), C 1 or 3, and bool (H, W), true where it is clear."""

    pixels: NDArray[np.uint8]
    clear: NDArray[np.bool_]


def read_picture(
    file: BinaryIO,
    *,
    formats: Sequence[str] | None = None,
    most: int = MOST_PIXELS,
    wanted: Size | None = None,
    of: Range | None = None,
) -> Picture:
    """A picture as `read_pixels` sees it, by these decoders alone; past `most` pixels `TooLarge`, before decoding.

    wanted: the size that it is to be brought into, where it is to be: a JPEG is not decoded to much more. of: the
    values that are black and white, as for `read_pixels`.
    """
    with _opened(file, formats, most) as image:
        gray = _is_gray(image)
        if wanted:
            _spare(image, wanted)
        if _orientation(image) != 1:
            image = ImageOps.exif_transpose(image)
        opaque = _leveled(image, of)
        clear = np.zeros((image.height, image.width), np.bool_)
        if image.has_transparency_data:
            clear = np.asarray(image.convert("RGBA"))[..., 3] == 0
        return Picture(as_pixels(opaque, 1 if gray else 3), clear)


@contextmanager
def _opened(file: BinaryIO, formats: Sequence[str] | None = None, most: int = MOST_PIXELS) -> Iterator[Image.Image]:
    # Only these decoders are let near a file, whatever its name says.
    allowed = sorted(set(decoders().values())) if formats is None else list(formats)
    try:
        with Image.open(file, formats=allowed) as image:
            if image.width * image.height > most:
                raise TooLarge(f"{image.height:,}x{image.width:,} pixels")
            yield image
    except Image.DecompressionBombError:
        raise TooLarge(f"more than {MOST_PIXELS:,} pixels") from None


def _spare(image: Image.Image, size: Size) -> None:
    """Lets a JPEG be decoded to a half, a quarter or an eighth where much less is wanted: some times quicker."""
    if isinstance(image, JpegImageFile):
        height, width = size[::-1] if _orientation(image) in LYING else size
        image.draft(None, (SPARED * width, SPARED * height))


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Inside, Pillow makes no remarks on odd metadata. Around the work of all threads: filters are global."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _orientation(image: Image.Image) -> int:
    if image.format not in ORIENTED_FORMATS:
        return 1
    try:
        told = image.getexif().get(ORIENTATION)
    except Exception:  # damaged metadata makes Pillow raise nearly anything, and takes nothing from the pixels
        return 1
    return told if isinstance(told, int) else 1


def _is_gray(image: Image.Image) -> bool:
    if image.mode == "P" and image.palette is not None:
        colors = np.frombuffer(image.palette.getdata()[1], np.uint8)
        colors = colors[: len(colors) // 3 * 3].reshape(-1, 3)
        return image.palette.mode == "RGB" and bool((colors == colors[:, :1]).all())
    return image.mode in GRAY_MODES or is_deep(image.mode)


def is_deep(mode: str) -> bool:
    """Whether a pixel of this mode has more than 8 bits."""
    return mode.startswith(DEEP_MODES)


def _extent(image: Image.Image) -> Extent:
    if is_deep(image.mode):
        return _extent_of_one(np.asarray(image))
    bands = image.getextrema()
    ends = [bands] if isinstance(bands[0], int | float) else bands
    return Extent(np.dtype(np.uint8), min(low for low, _ in ends), max(high for _, high in ends), 1)


def _extent_of_one(values: NDArray[Any]) -> Extent:
    if not np.isfinite(values).all():
        raise InputError("it has values that are no numbers (NaN or infinite)")
    return extent_of(values[None])


def _leveled(image: Image.Image, of: Range | None) -> Image.Image:
    """An image of 8 bits a channel, with nothing that is transparent."""
    if is_deep(image.mode):
        values = np.asarray(image)
        extent = _extent_of_one(values)
        plain = SIXTEEN_BITS if image.mode.startswith("I;16") else None
        return Image.fromarray(in_bytes(values, of or plain or found_range(extent)))
    opaque = _opaque(image)
    if of is None or of == BYTES or not bytes_hold(of):
        return opaque
    table = in_bytes(np.arange(256, dtype=np.uint16), of).tolist()
    return opaque.point(table * len(opaque.getbands()))


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if not image.has_transparency_data:
        return image.convert("L" if image.mode == "1" else "RGB")
    with_alpha = image.convert("LA" if image.mode in GRAY_MODES else "RGBA")
    ground = Image.new(with_alpha.mode, with_alpha.size, "white")
    return Image.alpha_composite(ground, with_alpha).convert(with_alpha.mode[:-1])
