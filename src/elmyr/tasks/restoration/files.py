"""Images of any sizes as files: repaired, or damaged, one after the other, in the memory of a few."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import Many, image_grid, save_png
from elmyr.images.decode.encoded import shown
from elmyr.images.decode.formats import read_header, read_pixels
from elmyr.images.decode.image_files import by_stem, check_out, write_pngs
from elmyr.images.readers.tree import tree_of
from elmyr.images.writers.folder import replacing_folder
from elmyr.tasks.restoration.damage import Corruption, corrupt, damage_of
from elmyr.tasks.restoration.repair import Repair

SHOWN = 8  # images of the overview


class Masks:
    """A folder with an image for each of others, by the same path: white where a pixel is hidden."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"'{folder}' is no folder: name one with a mask for each image")
        self._files = by_stem([self.folder / path for path in tree_of(self.folder).images], self.folder)

    def of(self, name: str, size: tuple[int, int]) -> NDArray[np.bool_]:
        """The mask bool (H, W) of an image of this size; InputError where there is none, or none that fits."""
        file = self._files.get(name)
        if file is None:
            raise InputError(f"image '{shown(name)}' has no mask in '{self.folder}': add '{shown(name)}.png'")
        try:
            with file.open("rb") as opened:
                height, width = read_header(opened).size
                if (height, width) == size:
                    hidden = read_pixels(opened, 1, None, "crop")[..., 0] > 127
        except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
            reason = " ".join(str(error).split())
            raise InputError(f"the mask '{shown(str(file))}' cannot be read ({reason}): replace it") from None
        if (height, width) != size:
            raise InputError(
                f"the mask '{shown(str(file))}' is {height}x{width}, its image {size[0]}x{size[1]}: make them one size"
            )
        if hidden.all():
            raise InputError(f"the mask '{shown(str(file))}' hides its image wholly: leave some of it")
        return hidden


# Images uint8 (N, H, W, C), masks bool (N, H, W) or None, and the number of the first among all -> their repair.
Mend = Callable[[NDArray[np.uint8], "NDArray[np.bool_] | None", int], Repair]
# The shape (H, W, C) of an image and words for messages ("image 'a' is"): InputError where it cannot be repaired.
Fits = Callable[[tuple[int, int, int], str], None]


def repair_files(
    images: Many,
    mend: Mend,
    out: str | os.PathLike[str],
    *,
    fits: Fits,
    answers: int = 1,
    masks: Masks | None = None,
    enlarge: int = 1,
) -> int:
    """Repairs all images and writes them into the folder `out`; gives their number.

    `repaired/NAME.png`; with several answers `answers/NAME-1.png` … and `uncertainty/NAME.png`, the deviation of the
    answers, white the largest; `overview.png`: the first images above what became of them. answers: how many `mend`
    gives. enlarge: so many pixels a side in the place of one, before the repair. Whole or not at all; raises InputError
    before work starts.
    """
    out = Path(out)
    check_out(out, images)
    for name, pixels in images:
        height, width, channels = pixels.shape
        fits((enlarge * height, enlarge * width, channels), f"image '{shown(name)}' is")
        if masks is not None:
            masks.of(name, pixels.shape[:2])
    out.parent.mkdir(parents=True, exist_ok=True)
    overview: list[NDArray[np.uint8]] = []
    done = 0
    with replacing_folder(out) as beside:
        for names, pixels in images.groups(enlarge**2 * (answers + 1)):
            hidden = None if masks is None else np.stack([masks.of(name, pixels.shape[1:3]) for name in names])
            seen = pixels.repeat(enlarge, 1).repeat(enlarge, 2)
            repair = mend(seen, None if hidden is None else hidden.repeat(enlarge, 1).repeat(enlarge, 2), done)
            done += len(names)
            doubt = _as_picture(repair.uncertainty)
            write_pngs(beside / "repaired", names, repair.images)
            for number, answer in enumerate(repair.answers, 1):
                write_pngs(beside / "answers", [f"{name}-{number}" for name in names], answer)
            if len(repair.answers):
                write_pngs(beside / "uncertainty", names, doubt)
            if not overview:
                some = slice(SHOWN)
                overview = [seen[some], repair.images[some], *(answer[some] for answer in repair.answers)]
                if len(repair.answers):
                    overview.append(doubt[some].repeat(seen.shape[3], 3))
        save_png(image_grid(np.concatenate(overview), len(overview[0])), beside / "overview.png")
    return images.count


def damage_files(images: Many, corruption: Corruption, out: str | os.PathLike[str], *, seed: int = 0) -> int:
    """Damages all images and writes `images/NAME.png`, and `masks/NAME.png` where it may hide pixels; their number."""
    out = Path(out)
    check_out(out, images)
    hides = damage_of(corruption).hides
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(out) as beside:
        for number, (names, pixels) in enumerate(images.groups()):
            damaged = corrupt(pixels, corruption, seed=seeds.derive(seed, "damaged files", number))
            write_pngs(beside / "images", names, damaged.images)
            if hides:
                hidden = np.zeros(pixels.shape[:3], np.bool_) if damaged.masks is None else damaged.masks
                write_pngs(beside / "masks", names, 255 * hidden.astype(np.uint8)[..., None])
    return images.count


def _as_picture(uncertainty: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Deviations (N, H, W), of 127.5 at most, as gray images (N, H, W, 1)."""
    return np.clip(2 * uncertainty, 0, 255).round().astype(np.uint8)[..., None]
