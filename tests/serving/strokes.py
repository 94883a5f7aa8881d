"""A digit's image as strokes of a pen: its thinned lines, walked from end to end."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 56  # pixels that an image is enlarged to before it is thinned
RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
Point = tuple[float, float]
Pixel = tuple[int, int]


def strokes_of(image: NDArray[np.uint8]) -> list[list[Point]]:
    """The strokes of an image uint8 (H, W), light on dark: points (x, y) as shares of its sides."""
    large = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    left = {(int(y), int(x)) for y, x in np.argwhere(thinned(large > 100))}
    strokes = []
    while left:
        start = min(left, key=lambda pixel: (len(list(_near(pixel, left))), pixel))  # an end, where there is one
        walked = list(_walk(start, left))
        strokes.append([((x + 0.5) / SIDE, (y + 0.5) / SIDE) for y, x in walked])
    longest = max(map(len, strokes))
    return [stroke[::3] + stroke[-1:] for stroke in strokes if len(stroke) > min(4, longest - 1)]


def thinned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Lines one pixel wide in the middle of what is set (Zhang & Suen 1984, A fast parallel algorithm for thinning)."""
    mask = np.pad(mask, 1)
    changed = True
    while changed:
        changed = False
        for first, second in (((0, 2, 4), (2, 4, 6)), ((0, 2, 6), (0, 4, 6))):
            ring = np.stack([np.roll(mask, (-y, -x), (0, 1)) for y, x in RING])
            count = ring.sum(0)
            turns = (~ring & np.roll(ring, -1, 0)).sum(0)
            gone = mask & (count >= 2) & (count <= 6) & (turns == 1)
            gone &= ~ring[list(first)].all(0) & ~ring[list(second)].all(0)
            mask &= ~gone
            changed |= bool(gone.any())
    return mask[1:-1, 1:-1]


def _near(pixel: Pixel, left: set[Pixel]) -> Iterator[Pixel]:
    yield from ((pixel[0] + y, pixel[1] + x) for y, x in RING if (pixel[0] + y, pixel[1] + x) in left)


def _walk(pixel: Pixel, left: set[Pixel]) -> Iterator[Pixel]:
    """From a pixel on, as straight as may be, until nothing is near; what was walked is taken away."""
    came = (0, 0)
    while True:
        left.discard(pixel)
        yield pixel
        onward = list(_near(pixel, left))
        if not onward:
            return
        here = pixel
        pixel = max(onward, key=lambda one: (one[0] - here[0]) * came[0] + (one[1] - here[1]) * came[1])
        came = (pixel[0] - here[0], pixel[1] - here[1])
