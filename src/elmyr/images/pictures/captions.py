"""A picture of images with lines of words under each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from elmyr.images.pictures.fonts import runs_of
from elmyr.images.pictures.grid import LEAST_WIDTH, as_picture, enlarged

CELL = 96  # pixels: an image is enlarged to at least that, by a whole number
WIDEST = 220  # pixels of a cell that its words may ask for
FONT, LINE = 13, 18
GAP = 8
PAPER, INK = "white", "black"
CUT = "..."


def captioned_grid(images: NDArray[np.uint8], captions: Sequence[str], columns: int) -> NDArray[np.uint8]:
    """Images uint8 (N, H, W, C) row by row in one picture uint8 (H', W', 3), each above the lines of its caption.

    Cells are as wide as the widest line, up to 220 pixels; what is longer is cut.
    """
    lines = [caption.split("\n") for caption in captions]
    pencil = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    larger = [enlarged(image, CELL) for image in images]
    height, width = larger[0].shape[:2]
    longest = max(_length(pencil, line) for caption in lines for line in caption)
    across = max(width, min(longest, WIDEST)) + GAP
    down = height + LINE * max(map(len, lines)) + GAP
    rows = -(-len(images) // columns)
    total = max(LEAST_WIDTH, min(columns, len(images)) * across + GAP)
    picture = Image.new("RGB", (total, rows * down + GAP), PAPER)
    pencil = ImageDraw.Draw(picture)
    for place, (image, caption) in enumerate(zip(larger, lines, strict=True)):
        left, top = GAP + place % columns * across, GAP + place // columns * down
        picture.paste(as_picture(image), (left, top))
        for number, line in enumerate(caption, 1):
            _write(pencil, _fitting(pencil, line, across - GAP), left, top + height + LINE * number - 4)
    return np.asarray(picture)


def drawable_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names as a picture can show them, and lines that explain those it shows by number, as no font here has them."""
    drawn = [name if runs_of(name, FONT) is not None else f"class {place}" for place, name in enumerate(names)]
    return drawn, [f"{short}: {name}" for short, name in zip(drawn, names, strict=True) if short != name]


def _fitting(pencil: ImageDraw.ImageDraw, line: str, width: int) -> str:
    if _length(pencil, line) <= width:
        return line
    while line and _length(pencil, line + CUT) > width:
        line = line[:-1]
    return line + CUT


def _length(pencil: ImageDraw.ImageDraw, line: str) -> int:
    return round(sum(pencil.textlength(piece, font) for piece, font in runs_of(line, FONT) or ()))


def _write(pencil: ImageDraw.ImageDraw, line: str, left: float, baseline: float) -> None:
    for piece, font in runs_of(line, FONT) or ():
        pencil.text((left, baseline), piece, fill=INK, font=font, anchor="ls")
        left += pencil.textlength(piece, font)
