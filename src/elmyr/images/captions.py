"""A picture of images with a line of words under each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

CELL = 72  # pixels: an image is enlarged to at least that, by a whole number
FONT, LINE = 13, 20
GAP = 6
PAPER, INK = "white", "black"


def captioned_grid(images: NDArray[np.uint8], captions: Sequence[str], columns: int) -> NDArray[np.uint8]:
    """Images uint8 (N, H, W, C) row by row in one picture uint8 (H', W', 3), each above its caption.

    A caption that is wider than its image is cut.
    """
    count, height, width, _ = images.shape
    scale = max(1, -(-CELL // width))
    across, down = width * scale + GAP, height * scale + LINE + GAP
    rows = -(-count // columns)
    picture = Image.new("RGB", (columns * across + GAP, rows * down + GAP), PAPER)
    pencil, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = GAP + place % columns * across, GAP + place // columns * down
        enlarged = image.repeat(scale, 0).repeat(scale, 1)
        picture.paste(Image.fromarray(enlarged[..., 0] if enlarged.shape[2] == 1 else enlarged), (left, top))
        words = caption
        while words and pencil.textlength(words, font) > width * scale:
            words = words[:-1]
        pencil.text((left, top + height * scale + 2), words, fill=INK, font=font)
    return np.asarray(picture)
