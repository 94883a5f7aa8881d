"""The size that a training takes by itself where images have several, or one that no GAN makes."""

from __future__ import annotations

from collections import Counter
from math import log

import numpy as np

SMALLEST_SIDE, LARGEST_SIDE = 8, 256  # pixels, of the images that a GAN makes
LARGEST_UNASKED = 128  # of those that it makes where no size was asked for: more take hours on a CPU
SIDES = (8, 16, 32, 64)

Size = tuple[int, int]  # height, width


def makes(size: Size, largest: int = LARGEST_SIDE) -> bool:
    """Whether a GAN makes images of this size, of at most `largest` pixels a side."""
    return min(size) >= SMALLEST_SIDE and max(size) <= largest


def suitable_size(sizes: Counter[Size]) -> Size:
    """The square size that suits images of these sizes: nearest to the median of their shorter sides, at most 64."""
    shorter = float(np.median(np.repeat([min(size) for size in sizes], list(sizes.values()))))
    side = min(SIDES, key=lambda side: abs(log(side / shorter)))
    return side, side


def size_for_training(sizes: Counter[Size]) -> Size | None:
    """The size that is taken where none is asked for; None where all images have one that a GAN makes unasked."""
    if len(sizes) == 1 and makes(next(iter(sizes)), LARGEST_UNASKED):
        return None
    return suitable_size(sizes)


def spread(sizes: Counter[Size]) -> str:
    """The sizes in words, from the smallest to the largest image."""
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    smallest, largest = ("x".join(map(str, size)) for size in (ordered[0], ordered[-1]))
    return smallest if len(ordered) == 1 else f"{smallest} to {largest}"


def size_note(sizes: Counter[Size], size: Size, fit: str) -> str:
    """What is said of a size that was taken."""
    return f"images of {spread(sizes)}: taken at {size[0]}x{size[1]} (--fit {fit}); another size with --size"
