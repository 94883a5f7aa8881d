"""A drawn or photographed character as MNIST has its digits: what makes it readable for who has learned from these.

"The original black and white images from NIST were size normalized to fit in a 20x20 pixel box while preserving their
aspect ratio. The resulting images contain grey levels as a result of the anti-aliasing technique … the images were
centered in a 28x28 image by computing the center of mass of the pixels" (LeCun, Cortes & Burges, the MNIST database).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.errors import InputError

BOX = 20 / 28  # of a side, that a character fills
SMALL = 16  # pixels a side: smaller images have no margin, as scikit-learn's 8x8 digits, which fill theirs
INK = 0.25  # of the strongest ink: below is paper
FAINTEST = 24  # levels that the strongest ink stands out by: less is an empty sheet


def prepare_digit(picture: NDArray[np.uint8], size: tuple[int, int] = (28, 28)) -> NDArray[np.uint8]:
    """A gray picture (H, W) of one character, dark on light or light on dark, as uint8 `size`, white on black.

    Scaled in its proportions until it fills 20/28 of the size, or all of one below 16 pixels a side; placed with its
    center of mass in the middle. Raises InputError where nothing is drawn.
    """
    if picture.ndim != 2 or picture.dtype != np.uint8 or not picture.size:
        raise InputError(f"the picture is {picture.dtype} {picture.shape}: give gray pixels uint8 (H, W)")
    ink = _ink(picture.astype(np.float32))
    rows, columns = (np.flatnonzero((ink > INK * ink.max()).any(axis)) for axis in (1, 0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = BOX if min(size) >= SMALL else 1.0
    scale = min(box * size[0] / cut.shape[0], box * size[1] / cut.shape[1])
    target = tuple(max(1, round(side * scale)) for side in cut.shape[::-1])
    # To smaller sizes Pillow's filters look at all pixels: nothing of a thin line is lost.
    small = np.asarray(Image.fromarray(cut).resize((target[0], target[1]), Image.Resampling.BILINEAR))
    small = np.clip(small * (255 / max(float(small.max()), 1e-6)), 0, 255)
    placed = np.zeros(size, np.float32)
    top, left = (_start(small.sum(1 - axis), size[axis]) for axis in (0, 1))
    placed[top : top + small.shape[0], left : left + small.shape[1]] = small
    return np.rint(placed).astype(np.uint8)


def _ink(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each pixel is from the paper, whose level most of the border has."""
    border = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    paper = float(np.median(border))
    darker, lighter = paper - float(levels.min()), float(levels.max()) - paper
    ink: NDArray[np.float32] = np.maximum(levels - paper if lighter > darker else paper - levels, 0)
    if ink.max() < FAINTEST:
        raise InputError("nothing is drawn in the picture: draw a character, dark on light or light on dark")
    return ink


def _start(weights: NDArray[np.float32], side: int) -> int:
    """Where a strip of these weights begins: its center of mass in the middle of a side, and all of it inside."""
    center = float((weights * (np.arange(len(weights)) + 0.5)).sum() / weights.sum())
    return int(np.clip(round(side / 2 - center), 0, side - len(weights)))
