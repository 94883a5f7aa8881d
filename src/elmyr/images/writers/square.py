"""Image sets as one picture, for people to look at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError
from elmyr.images.grid import image_grid, save_png
from elmyr.images.writers.sink import Plan, Write

MOST = 10_000


@contextmanager
def write_square(plan: Plan) -> Iterator[Write]:
    """Writes all images as one PNG, as nearly as many rows as columns; InputError for more than can be looked at."""
    if plan.count > MOST:
        raise InputError(
            f"'{plan.path}' would be one picture of {plan.count:,} images: "
            f"ask for at most {MOST:,}, or give another suffix"
        )
    seen: list[NDArray[np.uint8]] = []
    yield lambda block: seen.append(block.images)
    save_png(image_grid(np.concatenate(seen), columns=math.ceil(math.sqrt(plan.count))), plan.path)
