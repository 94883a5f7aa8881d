"""A drawn or photographed character as MNIST has its digits: what makes it readable for who has learned from these.

"The original black and white images from NIST were size normalized to fit in a 20x20 pixel box while preserving their
aspect ratio. The resulting images contain grey levels as a result of the anti-aliasing technique … the images were
centered in a 28x28 image by computing the center of mass of the pixels" (LeCun, Cortes & Burges, the MNIST database).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.core.errors import InputError

BOX = 20 / 28  # of a side, that a character fills
SMALL = 16  # pixels a side: smaller images have no margin, as scikit-learn's 8x8 digits, which fill theirs
INK = 0.25  # of the strongest ink: below is paper
FAINTEST = 24  # levels that the strongest ink stands out by: less is an empty sheet
LARGEST = 1000  # pixels of the longer side: a larger picture is reduced first
STROKE = 8  # strokes are as a rule narrower than this part of the shorter side: an eighth
COARSE = 96  # pixels of the longer side, at which the light on the paper is looked at
FITS = 3
FIRMEST = 0.6  # of the strongest ink: what is fainter and crosses the picture is a line of the paper
STEPS = 8  # from INK to FIRMEST
SHEET = 0.15  # of the picture: what a sheet of paper on a table covers at least
SHEET_FILLS = 0.85  # of the box around it
SHEET_INK = 0.3  # of a sheet: what is written on it covers less
SHEET_EDGE = 0.04  # of a sheet's side, where its shadow is
SPECK = 0.02  # of the largest piece of ink: smaller ones are dust
EDGE = 0.005  # of the longer side, around a piece of ink: its soft edge


def prepare_digit(picture: NDArray[np.uint8], size: tuple[int, int] = (28, 28)) -> NDArray[np.uint8]:
    """A gray picture (H, W) of one character, dark on light or light on dark, as uint8 `size`, white on black.

    Scaled in its proportions until it fills 20/28 of the size, or all of one below 16 pixels a side; placed with its
    center of mass in the middle. Taken out first: the table around a sheet of paper, uneven light such as a shadow from
    one side, lines of the paper that are fainter than the ink, spots of dust. Raises InputError where nothing is drawn.
    """
    if picture.ndim != 2 or picture.dtype != np.uint8 or not picture.size:
        raise InputError(f"the picture is {picture.dtype} {picture.shape}: give gray pixels uint8 (H, W)")
    ink = _without_specks(_without_lines(_ink(_sheet(_reduced(picture)))))
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


def _reduced(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    factor = -(-max(picture.shape) // LARGEST)
    image = Image.fromarray(picture)
    return np.asarray(image.reduce(factor) if factor > 1 else image, np.float32)


def _sheet(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner of a light sheet that lies on a darker table; the whole picture where there is none."""
    from scipy import ndimage

    coarse = _resized(levels, COARSE)
    border = np.concatenate([coarse[0], coarse[-1], coarse[:, 0], coarse[:, -1]])
    table, paper = float(np.median(border)), float(np.percentile(coarse, 95))
    if paper - table < 2 * FAINTEST:
        return levels
    pieces, count = ndimage.label(coarse > (table + paper) / 2)
    if not count:
        return levels
    largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    whole = ndimage.binary_fill_holes(largest)
    (rows, columns) = ndimage.find_objects(whole.astype(np.int8))[0]
    covered, boxed = int(whole.sum()), whole[rows, columns].size
    touched = [strip.any() for strip in (whole[0], whole[-1], whole[:, 0], whole[:, -1])]
    written = covered - int(largest.sum())
    if sum(touched) > 1 or covered < max(SHEET * whole.size, SHEET_FILLS * boxed):
        return levels  # light that comes from one side, or a lamp's
    if not 0 < written < SHEET_INK * covered:
        return levels
    # The largest upright box inside: a sheet that lies askew has corners of the table in the box around it.
    inside = [_inner(whole[rows, columns].mean(axis), part) for axis, part in ((1, rows), (0, columns))]
    cut = [
        slice(round(start * side / small), round(end * side / small))
        for (start, end), side, small in zip(inside, levels.shape, coarse.shape, strict=True)
    ]
    return levels[cut[0], cut[1]]


def _inner(shares: NDArray[np.float64], part: slice) -> tuple[float, float]:
    """Where the strips of a sheet begin and end that lie on it from edge to edge, without its outermost."""
    full = np.flatnonzero(shares > SHEET_FILLS)
    edge = SHEET_EDGE * len(shares)
    return part.start + full[0] + edge, part.start + full[-1] + 1 - edge


def _ink(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each pixel is from the paper: dark ink as a share of the light that falls there, light ink in levels."""
    light = _plane(levels)
    darker, lighter = float((light - levels).max()), float((levels - light).max())
    if max(darker, lighter) < FAINTEST:
        raise InputError("nothing is drawn in the picture: draw a character, dark on light or light on dark")
    if _is_light(levels, light, farther=lighter > darker):
        ink = levels - light - _ground(levels - light, dark=False)
    else:
        shares = (levels / np.maximum(light, 1)).astype(np.float32)
        ink = 1 - shares / np.maximum(_ground(shares, dark=True), 0.05)
    if ink.max() <= 0:
        raise InputError("the picture is all one patch: draw a character in lines, on a ground that is larger")
    found: NDArray[np.float32] = np.maximum(ink, 0).astype(np.float32)
    return found


def _plane(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The light on the paper as a plane through most of the border: a shadow from one side is none of the ink."""
    y, x = (np.linspace(-1, 1, side) for side in levels.shape)
    places = [(y[[0, -1]].repeat(len(x)), np.tile(x, 2)), (np.tile(y, 2), x[[0, -1]].repeat(len(y)))]
    terms = np.concatenate([np.stack([np.ones(len(down)), down, across], 1) for down, across in places])
    seen = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]]).astype(np.float64)
    plane = np.array([np.median(seen), 0, 0])
    for _ in range(FITS):  # each leaves out what the one before found to be no paper
        off = np.abs(seen - terms @ plane)
        paper = off <= max(2 * float(np.median(off)), 2)
        plane = np.linalg.lstsq(terms[paper], seen[paper])[0]
    lit: NDArray[np.float32] = (plane[0] + plane[1] * y[:, None] + plane[2] * x).astype(np.float32)
    return lit


def _is_light(levels: NDArray[np.float32], light: NDArray[np.float32], *, farther: bool) -> bool:
    """Whether the ink is lighter than the paper: on an even border what is farther from it; else what is sharper."""
    from scipy import ndimage

    off = np.abs(levels - light)
    border = np.concatenate([off[0], off[-1], off[:, 0], off[:, -1]])
    if np.percentile(border, 75) < FAINTEST / 2:
        return farther
    coarse = _resized(levels, COARSE)
    side = max(3, min(coarse.shape) // STROKE) | 1
    above = coarse - ndimage.grey_opening(coarse, side)
    below = ndimage.grey_closing(coarse, side) - coarse
    return bool((above**2).sum() > (below**2).sum())


def _ground(levels: NDArray[np.float32], *, dark: bool) -> NDArray[np.float32]:
    """The paper without what is narrower than a third of the picture: a closing (dark ink) or an opening, smoothed.

    The light goes on beyond the border as it comes there.
    """
    from scipy import ndimage

    coarse = _resized(levels, COARSE)
    side = max(3, min(coarse.shape) // 3) | 1
    around = min(side, *(length - 1 for length in coarse.shape)) if min(coarse.shape) > 1 else 0
    wider = np.pad(coarse, around, "reflect", reflect_type="odd").clip(coarse.min(), coarse.max())
    closed = ndimage.grey_closing(wider, side) if dark else ndimage.grey_opening(wider, side)
    smooth = ndimage.gaussian_filter(closed, side / 4)
    inner = smooth[around : around + coarse.shape[0], around : around + coarse.shape[1]]
    ground = Image.fromarray(inner).resize(levels.shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(ground, np.float32)


def _resized(levels: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    height, width = levels.shape
    scale = min(1, longest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(levels.astype(np.float32)).resize(size, Image.Resampling.BOX))


def _without_lines(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """The ink without lines of the paper, which are fainter and go from one side of the picture to the other."""
    from scipy import ndimage

    for least in np.linspace(INK, FIRMEST, STEPS):
        firm = ink > least * ink.max()
        pieces = ndimage.label(firm, np.ones((3, 3)))[0]
        sides = [set(strip[strip > 0].tolist()) for strip in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1])]
        if not (sides[0] & sides[1] or sides[2] & sides[3]):
            if least == INK:
                return ink
            near = ndimage.binary_dilation(firm, np.ones((3, 3)), iterations=max(1, round(EDGE * max(ink.shape) / 2)))
            return np.where(near, ink, 0)
    return ink


def _without_specks(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """The ink without spots of dust: those that are small beside the largest piece, and what is fainter than ink."""
    from scipy import ndimage

    pieces, count = ndimage.label(ink > INK * ink.max(), np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    kept = sizes >= SPECK * sizes[1:].max()
    kept[0] = False
    near = ndimage.binary_dilation(kept[pieces], np.ones((3, 3)), iterations=max(1, round(EDGE * max(ink.shape))))
    return np.where(near, ink, 0)


def _start(weights: NDArray[np.float32], side: int) -> int:
    """Where a strip of these weights begins: its center of mass in the middle of a side, and all of it inside."""
    center = float((weights * (np.arange(len(weights)) + 0.5)).sum() / weights.sum())
    return int(np.clip(round(side / 2 - center), 0, side - len(weights)))
