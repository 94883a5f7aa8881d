"""Samples into files: all of them, or a part for each of several processes, in memory that does not grow with them."""

from __future__ import annotations

import os
from typing import Any

from elmyr.core.parts import part_of
from elmyr.engine.processes import launched
from elmyr.images import Place, check_writable, place_of_part, writing_images
from elmyr.tasks.gan.model import CHUNK, GAN
from elmyr.tasks.gan.sampling.moves import Move


def place_of_samples(n: int, out: str | os.PathLike[str], part: str | tuple[int, int] | None = None) -> Place:
    """Where `n` samples are written, or part of them, such as "2/4", and which these are.

    Under torchrun each process has its part of that: none, where there are too few. Raises InputError for what is no
    part, or an empty one, and where nothing could be written.
    """
    (number, of), asked = launched(), part_of(part)
    if of == asked.of == 1:
        check_writable(out)
    place = place_of_part(out, asked, count=n, unit=CHUNK)
    if of == 1:
        return place
    return place_of_part(out, asked.divided(number + 1, of), count=n, unit=CHUNK, may_be_empty=True)


def write_samples(
    gan: GAN,
    n: int,
    place: Place,
    *,
    label: int | str | None = None,
    category: int | None = None,
    balanced: bool = False,
    truncation: float = 1.0,
    move: Move = None,
    seed: int = 0,
) -> None:
    """Writes those of `n` samples that belong to a place; all as `GAN.sample` has it.

    Raises InputError as `GAN.sample` and `writing_images` do.
    """
    classes, (path, places) = gan.config.classes, place
    if not places:
        return
    which: dict[str, Any] = {"label": label, "category": category, "balanced": balanced, "part": places}
    made = gan.samples(n, **which, truncation=truncation, move=move, seed=seed)
    with writing_images(path, count=n, classes=classes, labeled=bool(classes), places=places) as sink:
        for piece in made:
            sink.add(piece)
