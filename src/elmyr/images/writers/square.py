"""Image sets as one picture, for people to look at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.pictures.grid import MID_GRAY, image_grid, save_png
from elmyr.images.writers.sink import Block, Write, WritePlan

MOST = 10_000
FEWEST = 4  # classes of fewer images than a fourth of their number are not in rows: these would be a narrow strip


@contextmanager
def write_square(plan: WritePlan) -> Iterator[Write]:
    """Writes all images as one PNG, about as wide as high, each class in rows of its own; InputError for too many."""
    if plan.count > MOST:
        raise InputError(
            f"'{plan.path}' would be one picture of {plan.count:,} images: "
            f"ask for at most {MOST:,}, or give another suffix"
        )
    seen: list[NDArray[np.uint8]] = []
    labels: list[NDArray[np.int64]] = []

    def write(block: Block) -> None:
        seen.append(block.images)
        if block.labels is not None:
            labels.append(block.labels)

    yield write
    images = np.concatenate(seen)
    counts = np.bincount(np.concatenate(labels)) if labels else np.empty(0, np.int64)
    counts = counts[counts > 0]
    if len(counts) > 1 and FEWEST * counts.min() >= len(counts):
        images, columns = _rows(images, np.concatenate(labels), int(counts.max()), len(counts))
    else:
        columns = math.ceil(math.sqrt(plan.count))
    save_png(image_grid(images, columns), plan.path)


def _rows(
    images: NDArray[np.uint8], labels: NDArray[np.int64], most: int, classes: int
) -> tuple[NDArray[np.uint8], int]:
    """The images class by class, each begun in a new row and its last row filled up with gray; how many columns."""
    rows = max(1, round(math.sqrt(most / classes)))
    columns = -(-most // rows)
    cells: list[NDArray[np.uint8]] = []
    for label in np.unique(labels):
        own = images[labels == label]
        cells += [own, np.full((-len(own) % columns, *images.shape[1:]), MID_GRAY, np.uint8)]
    return np.concatenate(cells), columns
