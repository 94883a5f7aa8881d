"""Walks between generated images as pictures: a strip with one row per walk, or an animation there and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.core.files import require_place
from elmyr.images import image_grid, save_png
from elmyr.images.pictures.grid import as_picture, enlarged
from elmyr.images.storage.atomic import writing
from elmyr.tasks.gan.editing.interpolation import between
from elmyr.tasks.gan.model import GAN

STRIP, ANIMATION = ".png", ".gif"
STEPS = {STRIP: 9, ANIMATION: 40}
MOST_ROWS = 16
FRAME, END = 60, 600  # milliseconds that a frame is shown, and one of the two ends


def walks(
    gan: GAN,
    *,
    from_class: int | str | None = None,
    to_class: int | str | None = None,
    from_seed: int = 0,
    to_seed: int | None = None,
    rows: int = 4,
    steps: int = 9,
) -> NDArray[np.uint8]:
    """Images uint8 (rows, steps, H, W, C): in each row from one image to another, as `between`.

    A row begins at the seed after that of the row before. Without `to_seed` a walk between two classes keeps its seed,
    so that the class alone changes; another ends at a seed that no row begins with. InputError for other than 1 to 16
    rows, and as `between`.
    """
    if not 1 <= rows <= MOST_ROWS:
        raise InputError(f"{rows} rows are asked for: from 1 to {MOST_ROWS}")
    if to_seed is None:
        to_seed = from_seed + rows if from_class == to_class else from_seed
    return np.stack(
        [
            between(
                gan,
                from_seed=from_seed + row,
                to_seed=to_seed + row,
                from_class=from_class,
                to_class=to_class,
                steps=steps,
            ).images[:]
            for row in range(rows)
        ]
    )


def check_filmstrip(path: Path) -> None:
    """InputError, before work starts, where no strip or animation could be written to `path`."""
    suffix = path.suffix.lower()
    if suffix not in STEPS:
        raise InputError(
            f"cannot write a walk as '{path}': give it the suffix {STRIP} (a strip) or {ANIMATION} (moving)"
        )
    require_place(path, suffix, "a walk")


def save_filmstrip(images: NDArray[np.uint8], path: Path) -> None:
    """Writes walks uint8 (rows, steps, H, W, C): `.png` as rows, `.gif` as frames that hold all rows, there and back.

    At least 480 pixels wide, whole or not at all; InputError where it cannot be written.
    """
    check_filmstrip(path)
    rows, steps = images.shape[:2]
    if path.suffix.lower() == STRIP:
        save_png(image_grid(images.reshape(-1, *images.shape[2:]), steps), path)
        return
    columns = next(side for side in range(1, rows + 1) if side * side >= rows)
    there = [as_picture(enlarged(image_grid(images[:, step], columns))) for step in range(steps)]
    shown = [END if step in (0, steps - 1) else FRAME for step in range(steps)]
    frames = [frame.quantize(256, dither=Image.Dither.NONE) for frame in (*there, *there[-2:0:-1])]
    with writing(path) as file:
        frames[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=[*shown, *shown[-2:0:-1]],
            loop=0,
            disposal=2,
        )
