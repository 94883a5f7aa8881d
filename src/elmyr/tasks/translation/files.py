"""Images in and out as files: translated, one group after the other, in the memory of a few."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from elmyr.images import ImageSet, Many, Pixels, image_grid, save_png
from elmyr.images.decode.encoded import shown
from elmyr.images.decode.image_files import check_out, write_pngs
from elmyr.images.writers.folder import replacing_folder
from elmyr.tasks.restoration.repair import require_channels
from elmyr.tasks.translation.config import A_TO_B
from elmyr.tasks.translation.translator import Translator

SHOWN = 8  # images of the overview


def translate_files(
    translator: Translator,
    images: Many,
    out: str | os.PathLike[str],
    *,
    direction: str = A_TO_B,
    examples: Pixels | None = None,
    seed: int = 0,
) -> int:
    """Translates all images and writes them into the folder `out`, by their names; gives their number.

    `translated/NAME.png`, and `overview.png`: the first images above what became of them. Whole or not at all; raises
    InputError before work starts.
    """
    out = Path(out)
    translator.require_direction(direction)
    check_out(out, images)
    for name, pixels in images:
        require_channels(pixels.shape[2], translator.channels_, f"image '{shown(name)}' is")
    out.parent.mkdir(parents=True, exist_ok=True)
    overview: list[np.ndarray] = []
    done = 0
    with replacing_folder(out) as beside:
        for names, pixels in images.groups(2):
            made = translator.translate(pixels, direction, examples=examples, seed=seed, first=done)
            done += len(names)
            write_pngs(beside / "translated", names, made)
            overview = overview or [pixels[:SHOWN], made[:SHOWN]]
        save_png(image_grid(np.concatenate(overview), len(overview[0])), beside / "overview.png")
    return images.count


def translated(
    translator: Translator,
    images: ImageSet,
    *,
    direction: str = A_TO_B,
    examples: Pixels | None = None,
    seed: int = 0,
) -> ImageSet:
    """An image set translated, with its labels; parameters as `Translator.translate`."""
    made = np.empty((len(images), images.height, images.width, images.channels), np.uint8)
    for start in range(0, len(images), 1000):
        some = images.images[start : start + 1000]
        made[start : start + 1000] = translator.translate(some, direction, examples=examples, seed=seed, first=start)
    return ImageSet(made, images.labels, images.classes, images.name)
