"""Images of any sizes, in and out as files: repaired, or damaged, one after the other, in the memory of a few."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from elmyr import seeds
from elmyr.errors import InputError
from elmyr.images import ImageSet, Shaping, image_grid, save_png
from elmyr.images.encoded import EncodedImages, each, shown, told_damage
from elmyr.images.formats import SUFFIXES, read_header, read_pixels
from elmyr.images.shaping import in_form
from elmyr.images.sources import read_parts
from elmyr.images.writers.encoding import png_bytes
from elmyr.images.writers.folder import check_folder, replacing_folder
from elmyr.restoration.damage import Corruption, corrupt, damage_of
from elmyr.restoration.repair import Repair

AT_ONCE, VALUES = 250, 1 << 24  # images of one size, and what is made of them, at most
SHOWN = 8
DIGITS = 6

FilePath = TypeVar("FilePath", str, Path)


class Named(NamedTuple):
    """An image uint8 (H, W, C), and its path in a folder, without a suffix."""

    name: str
    pixels: NDArray[np.uint8]


class Many:
    """The images of a source, as they are, to go through again and again: files of any sizes, or sets.

    Of both parts where the source has a test part of its own, that one last. channels: 1 for gray, 3 for RGB; as they
    are where None. limit: the first so many alone. Raises InputError as `open_source`, and for two files of one name.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        data_root: str | os.PathLike[str] | None = None,
        *,
        channels: Literal[1, 3] | None = None,
        limit: int | None = None,
    ) -> None:
        path = Path(source).expanduser()
        self.folder = path if path.is_dir() else None
        self._parts = [part for part in read_parts(source, data_root) if part is not None]
        self._form = Shaping(channels=channels)
        self._names: list[str] | None = None
        files = [file for part in self._parts if isinstance(part, EncodedImages) for file in part.files]
        if files and all(PurePath(file).suffix.lower() in SUFFIXES for file in files):  # no shards of images
            self._names = list(_by_stem(files, path))
        whole = sum(map(len, self._parts))
        self.count = whole if limit is None else min(limit, whole)

    def name(self, place: int) -> str:
        """What the image at a place is called: its path in the source, or its number."""
        return self._names[place] if self._names else f"{place:0{DIGITS}}"

    def __iter__(self) -> Iterator[Named]:
        start = 0
        for part in self._parts:
            places = range(min(len(part), self.count - start))
            pixels = self._decoded(part, places) if isinstance(part, EncodedImages) else self._formed(part, places)
            for place, image in enumerate(pixels, start):
                yield Named(self.name(place), image)
            start += len(places)

    def _decoded(self, part: EncodedImages, places: range) -> Iterator[NDArray[np.uint8]]:
        damage: dict[int, str] = {}
        see = partial(read_pixels, channels=self._form.channels, size=None, fit="crop")
        for _, pixels in each(part, places, see, damage):
            if damage:
                break
            yield pixels
        if damage:
            raise InputError(f"'{part.where}': {told_damage(part, damage)}: replace or remove it")

    def _formed(self, part: ImageSet, places: range) -> Iterator[NDArray[np.uint8]]:
        for place in places:
            yield np.asarray(in_form(part.images[place : place + 1], self._form))[0]

    def groups(self, times: int = 1) -> Iterator[tuple[list[str], NDArray[np.uint8]]]:
        """Names and images uint8 (n, H, W, C): of neighbors that have one shape, a few hundred at most.

        times: how many times their memory is needed for what is made of them.
        """
        names: list[str] = []
        pixels: list[NDArray[np.uint8]] = []
        for name, image in self:
            most = min(AT_ONCE, VALUES // (times * image.size))
            if pixels and (image.shape != pixels[0].shape or len(pixels) >= most):
                yield names, np.stack(pixels)
                names, pixels = [], []
            names.append(name)
            pixels.append(image)
        if pixels:
            yield names, np.stack(pixels)


class Masks:
    """A folder with an image for each of others, by the same path: white where a pixel is hidden."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"'{folder}' is no folder: name one with a mask for each image")
        found = sorted(path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        self._files = _by_stem(found, self.folder)

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


def check_out(out: Path, images: Many) -> None:
    """InputError where a folder cannot be made, or would count among the images afterwards."""
    if images.folder is not None and images.folder.resolve() in out.resolve().parents:
        raise InputError(f"'{out}' is inside '{images.folder}', where the images are: choose a place outside")
    check_folder(out)


def _as_picture(uncertainty: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Deviations (N, H, W), of 127.5 at most, as gray images (N, H, W, 1)."""
    return np.clip(2 * uncertainty, 0, 255).round().astype(np.uint8)[..., None]


def write_pngs(folder: Path, names: Sequence[str], images: NDArray[np.uint8]) -> None:
    """Writes images uint8 (N, H, W, C) as `NAME.png` into a folder; a name may be a path in it."""
    for name, png in zip(names, png_bytes(images), strict=True):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)


def _by_stem(files: Sequence[FilePath], folder: Path) -> dict[str, FilePath]:
    """Files in a folder by their paths there, without suffixes; InputError where two differ in the suffix alone."""
    found: dict[str, FilePath] = {}
    for file in files:
        twin = found.setdefault(str(PurePath(os.path.relpath(file, folder)).with_suffix("")), file)
        if twin is not file:
            names = " and ".join(f"'{shown(os.path.relpath(each, folder))}'" for each in (twin, file))
            raise InputError(f"'{folder}' has {names}, which differ in the suffix alone: rename one")
    return found
