"""The hostile corpus: what a user's disk may hold by accident, and what no accident makes. Here its images.

A case builds its input in a folder of its own and knows the answer: the images are read, the damaged ones are skipped
with a warning, or all is refused.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

Build = Callable[[Path], Path]
Answer = str | int | tuple[int, str]
GIANT = 1 << 30  # bytes, of what bombs become


@dataclass(frozen=True)
class Case:
    """build: makes the input in a folder and gives the path to open. The answer is one of the next three.

    refused: what the InputError says, a regular expression. read: how many images. warned: what each warning says, of
    what is skipped or chosen, a regular expression. possible: whether this machine can make it.
    """

    name: str
    build: Build
    refused: str = ""
    read: int = 0
    warned: str = ""
    possible: bool = True


def picture(seed: int = 0, size: tuple[int, int] = (12, 8), mode: str = "L") -> Image.Image:
    """Noise, which no format makes much smaller."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def encoded(kind: str = "PNG", image: Image.Image | None = None, **options: object) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    (image or picture()).save(file, kind, **options)
    return file.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    """The folder with these files in it."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def one(name: str, content: Callable[[], bytes]) -> Build:
    """A folder with one file."""
    return lambda folder: put(folder, {name: content()})


def answered(name: str, build: Build, answer: Answer) -> Case:
    """A case by its answer: what the InputError says, or how many images are read, and what the warnings say."""
    if isinstance(answer, tuple):
        return Case(name, build, read=answer[0], warned=answer[1])
    return Case(name, build, read=answer) if isinstance(answer, int) else Case(name, build, refused=answer)


def of_one_file(kind: str, file: str, table: list[tuple[str, Callable[[], bytes], Answer]]) -> list[Case]:
    """The cases of a table: what is told of a case, the content of its only file, and the answer."""

    def build(content: Callable[[], bytes], folder: Path) -> Path:
        return put(folder, {file: content()}) / file

    return [answered(f"{kind}-{about}", partial(build, content), answer) for about, content, answer in table]


class Trap:
    """Makes a file where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("unpickled",)


# --- the bytes of images


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, pixels: bytes, before: bytes = b"") -> bytes:
    """A gray PNG of any claims; pixels: deflated, with a zero before each row."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zeros(size: int, wbits: int = zlib.MAX_WBITS) -> bytes:
    """So many zeros (a multiple of 1 MiB) deflated, made without holding them; the checksum at the end is wrong."""
    packer = zlib.compressobj(9, wbits=wbits)
    begin = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + again * ((size >> 20) - 1) + packer.flush()


def blank_png(side: int) -> bytes:
    """A whole PNG of zeros."""
    return png(side, side, zlib.compress(bytes((side + 1) * side), 1))


def tiff(*tags: tuple[int, int, int, int], after: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory: tag, type, count, value."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + after


def gif_of_screen(side: int) -> bytes:
    """A GIF whose screen is larger than its only frame."""
    whole = bytearray(encoded("GIF"))
    whole[6:10] = struct.pack("<HH", side, side)
    return bytes(whole)


def webp_of_canvas(side: int) -> bytes:
    """A WebP with an extended header of a canvas that its frame does not fill."""
    frame = encoded("WEBP", lossless=True)[12:]
    extended = b"VP8X" + struct.pack("<II", 10, 0) + struct.pack("<I", side - 1)[:3] * 2
    return b"RIFF" + struct.pack("<I", 4 + len(extended) + len(frame)) + b"WEBP" + extended + frame


def jpeg_of_size(side: int) -> bytes:
    """A JPEG whose header claims another size."""
    whole = encoded("JPEG")
    start = whole.index(b"\xff\xc0") + 5
    return whole[:start] + struct.pack(">HH", side, side) + whole[start + 4 :]


def animated(kind: str) -> bytes:
    """Two frames."""
    return encoded(kind, picture(0), save_all=True, append_images=[picture(1)], lossless=True)


def jpeg_with_exif(kind: int, count: int, value: int) -> bytes:
    """A JPEG whose EXIF gives the orientation as a value of this TIFF type."""
    return encoded("JPEG", exif=b"Exif\0\0" + tiff((0x0112, kind, count, value)))


TEXT = b"this is no image\n" * 10
RANDOM = np.random.default_rng(1).bytes(5_000)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="6" height="5"><rect width="6" height="5"/></svg>'
FITS = b"".join(line.ljust(80) for line in (b"SIMPLE  = T", b"BITPIX  = 8", b"NAXIS   = 0", b"END")).ljust(2880)
BYTES_16 = np.full((8, 12), 0xAB12, np.uint16)

NOT_AN_IMAGE = r"1 unreadable image \('a\.\w+': not an image\) among 1: replace or remove"
DAMAGED = r"1 unreadable image \('a\.\w+': .+\) among 1: replace or remove"
TOO_LARGE = r"image 'a\.\w+' is far too large .*: resize it, or remove it"

# What is under the name, its bytes, and the answer: a refusal, or the number of images.
IMAGE_FILES: list[tuple[str, str, Callable[[], bytes], Answer]] = [
    ("empty", "a.png", bytes, NOT_AN_IMAGE),
    ("text", "a.png", lambda: TEXT, NOT_AN_IMAGE),
    ("random-bytes", "a.png", lambda: RANDOM, NOT_AN_IMAGE),
    ("random-bytes-behind-a-png-signature", "a.png", lambda: encoded()[:8] + RANDOM, DAMAGED),
    ("random-bytes-behind-a-jpeg-signature", "a.jpg", lambda: encoded("JPEG")[:3] + RANDOM, DAMAGED),
    ("png-of-50000x50000", "a.png", lambda: png(50_000, 50_000, b""), TOO_LARGE),
    ("png-of-2-31-a-side", "a.png", lambda: png(2**31 - 1, 2**31 - 1, b""), TOO_LARGE),
    ("png-of-no-height", "a.png", lambda: png(5, 0, b""), DAMAGED),
    ("png-of-16-million-pixels", "a.png", lambda: blank_png(4_000), 1),
    ("png-of-101-million-pixels", "a.png", lambda: blank_png(10_050), TOO_LARGE),
    ("png-with-a-gigabyte-behind-its-pixels", "a.png", lambda: png(6, 5, zeros(GIANT)), 1),
    ("png-of-a-wrong-checksum", "a.png", lambda: encoded().replace(b"IDAT", b"IDAT\1", 1), DAMAGED),
    ("png-text-bomb", "a.png", lambda: png(6, 5, b"", chunk(b"zTXt", b"Comment\0\0" + zeros(GIANT))), DAMAGED),
    (
        "png-international-text-bomb",
        "a.png",
        lambda: png(6, 5, b"", chunk(b"iTXt", b"C\0\1\0\0\0" + zeros(GIANT))),
        DAMAGED,
    ),
    (
        "png-profile-bomb",
        "a.png",
        lambda: png(6, 5, zlib.compress(bytes(35)), chunk(b"iCCP", b"C\0\0" + zeros(GIANT))),
        DAMAGED,
    ),
    (
        "png-of-100000-text-chunks",
        "a.png",
        lambda: png(6, 5, zlib.compress(bytes(35)), chunk(b"tEXt", b"C\0x") * 100_000),
        1,
    ),
    ("gif-of-60000x60000", "a.gif", lambda: gif_of_screen(60_000), TOO_LARGE),
    ("webp-of-16000x16000", "a.webp", lambda: webp_of_canvas(16_000), TOO_LARGE),
    ("jpeg-of-60000x60000", "a.jpg", lambda: jpeg_of_size(60_000), TOO_LARGE),
    (
        "tiff-of-2-31-a-side",
        "a.tif",
        lambda: tiff((256, 4, 1, 2**31), (257, 4, 1, 2**31), (258, 3, 1, 8)),
        NOT_AN_IMAGE,
    ),
    (
        "tiff-tag-of-4-gigabytes",
        "a.tif",
        lambda: tiff((256, 4, 1, 6), (257, 4, 1, 5), (270, 2, 2**32 - 1, 8)),
        NOT_AN_IMAGE,
    ),
    ("tiff-whose-directory-is-itself", "a.tif", lambda: b"II*\0" + struct.pack("<IHI", 8, 0, 8), NOT_AN_IMAGE),
    ("eps", "a.jpg", lambda: encoded("EPS", picture(mode="RGB")), NOT_AN_IMAGE),
    ("fits", "a.jpg", lambda: FITS, NOT_AN_IMAGE),
    ("ppm", "a.jpg", lambda: encoded("PPM"), NOT_AN_IMAGE),
    ("ico", "a.jpg", lambda: encoded("ICO", picture(size=(16, 16))), NOT_AN_IMAGE),
    ("svg", "a.jpg", lambda: SVG, NOT_AN_IMAGE),
    ("pdf", "a.jpg", lambda: PDF, NOT_AN_IMAGE),
    ("png-under-the-name-of-a-jpeg", "a.jpg", encoded, 1),
    ("animated-gif", "a.gif", partial(animated, "GIF"), (1, "several frames")),
    ("animated-webp", "a.webp", partial(animated, "WEBP"), (1, "several frames")),
    ("animated-png", "a.png", lambda: encoded(save_all=True, append_images=[picture(1)]), (1, "several frames")),
    ("png-of-16-bits", "a.png", lambda: encoded("PNG", Image.fromarray(BYTES_16)), 1),
    ("tiff-of-floats", "a.tif", lambda: encoded("TIFF", picture().convert("F")), (1, "255 as white")),
    ("tiff-of-32-bits", "a.tif", lambda: encoded("TIFF", picture().convert("I")), (1, "255 as white")),
    (
        "tiff-of-an-unknown-range",
        "a.tif",
        lambda: encoded("TIFF", Image.fromarray(np.float32([[-5, 900]]))),
        "values go from -5 to 900.*pass --range -5:900",
    ),
    (
        "tiff-of-no-numbers",
        "a.tif",
        lambda: encoded("TIFF", Image.fromarray(np.float32([[0, np.nan]]))),
        "values that are no numbers",
    ),
    ("jpeg-of-cmyk", "a.jpg", lambda: encoded("JPEG", picture(mode="CMYK")), 1),
    ("jpeg-of-orientation-99", "a.jpg", lambda: jpeg_with_exif(3, 1, 99), 1),
    ("jpeg-of-an-orientation-in-words", "a.jpg", lambda: jpeg_with_exif(2, 4, 0x717273), 1),
]

IMAGE_CASES = [answered(about, one(file, content), answer) for about, file, content, answer in IMAGE_FILES]
