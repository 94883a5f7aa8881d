"""Image sets as pictures on the page: rows of images in one PNG, embedded as a data URI."""

import base64
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from elmyr.images import AS_BYTES, ImageSet, load_images
from elmyr.report.parts.markup import Markup, tag

LARGEST_TILE = 64  # pixels; larger images are shrunk, as nobody sees more of them in a row of eight
LARGEST_IN_STRIP = 32
LANCZOS = Image.Resampling.LANCZOS


def read_pictures(path: Path) -> ImageSet | None:
    """An image set in npz; None if there is none, InputError if it is damaged."""
    return load_images(path, shaping=AS_BYTES) if path.exists() else None


def of_class(pictures: ImageSet, label: int, most: int) -> npt.NDArray[np.uint8]:
    """The first images of a class; none where the pictures have no labels."""
    if pictures.labels is None:
        return pictures.images[:0]
    return pictures.images[np.flatnonzero(pictures.labels == label)[:most]]


def grid(images: Iterable[npt.NDArray[np.uint8]], columns: int, alt: str, largest: int = LARGEST_TILE) -> Markup:
    """The images row by row in one picture, always so many columns wide; what no image covers is clear.

    Images of more than `largest` pixels a side are shrunk.
    """
    tiles = [_tile(image, largest) for image in images]
    if not tiles:
        return Markup()
    width, height = tiles[0].size
    gap = max(1, width // 14)
    rows = -(-len(tiles) // columns)
    canvas = Image.new("RGBA", (columns * (width + gap) - gap, rows * (height + gap) - gap))
    for index, tile in enumerate(tiles):
        canvas.paste(tile, (index % columns * (width + gap), index // columns * (height + gap)))
    return _drawn(canvas, alt)


def strip(pictures: ImageSet, rows: int, columns: int, alt: str) -> Markup:
    """The first images of each class below one another, a class a column; without labels the first as they come."""
    if pictures.labels is None:
        return grid(pictures.images[: rows * columns], columns, alt, LARGEST_IN_STRIP)
    classes = range(min(len(pictures.classes), columns))
    found = [of_class(pictures, label, rows) for label in classes]
    shown = [images[row] for row in range(min(map(len, found), default=0)) for images in found]
    return grid(np.stack(shown), len(classes), alt, LARGEST_IN_STRIP) if shown else Markup()


def embedded(path: Path, alt: str, widest: int | None = None) -> Markup:
    """A PNG file as it is, or shrunk where it is wider than `widest`; empty if there is none or it is damaged."""
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content), formats=["PNG"]) as picture:
            picture.load()
            if widest is None or picture.width <= widest:
                return _img(content, picture.size, alt)
            return _drawn(picture.resize((widest, picture.height * widest // picture.width), LANCZOS), alt)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return Markup()


def _drawn(picture: Image.Image, alt: str) -> Markup:
    buffer = BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return _img(buffer.getvalue(), picture.size, alt)


def _tile(image: npt.NDArray[np.uint8], largest: int) -> Image.Image:
    tile = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    tile.thumbnail((largest, largest), LANCZOS)
    return tile


def _img(png: bytes, size: tuple[int, int], alt: str) -> Markup:
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return tag("img", src=source, alt=alt, width=size[0], height=size[1])
