"""An image set from any form that is read into any form that is written."""

from __future__ import annotations

import os
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.images.dataset.shaping import AS_IT_IS, Shaping
from elmyr.images.dataset.sources import open_source
from elmyr.images.writers import check_writable, save_images


def convert(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
) -> list[Path]:
    """Writes the images of a source, in the form of `shaping`, to `out`; gives what was written.

    A source with a test split of its own becomes two: `train-NAME` and `test-NAME` beside each other, or the folders
    `train` and `test` in `out`; so it is read again with that split: from the folder that the parts lie in, or, where
    they are `.npz`, each by itself. Raises InputError before anything is written.
    """
    if shaping.for_training():
        raise InputError(
            "thinning out is for training: leave out --images-per-class, --imbalance, --label-noise, --labels-per-class"
        )
    if shaping.folds is not None:
        raise InputError("folds are of a split, and all images are converted: leave out --folds")
    out = Path(out)
    check_writable(out)
    opened = open_source(source, data_root, shaping)
    if opened.test is None:
        save_images(opened.train, out)
        return [out]
    places = _places(out)
    for place in places:
        check_writable(place)
    for part, place in zip((opened.train, opened.test), places, strict=True):
        save_images(part, place)
    return places


def _places(out: Path) -> list[Path]:
    if out.suffix:
        return [out.with_name(f"{part}-{out.name}") for part in ("train", "test")]
    out.mkdir(exist_ok=True)
    return [out / part for part in ("train", "test")]
