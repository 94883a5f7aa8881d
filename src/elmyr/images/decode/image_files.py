"""Images of any sizes, in and out as files, to go through one after the other in the memory of a few."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.ranges import Range
from elmyr.images.dataset.raw import leveled
from elmyr.images.dataset.shaping import Shaping, in_form
from elmyr.images.dataset.sources import every_part
from elmyr.images.decode.codecs import is_image
from elmyr.images.decode.encoded import EncodedImages, each, shown, told_damage
from elmyr.images.decode.formats import read_pixels
from elmyr.images.writers.encoding import png_bytes
from elmyr.images.writers.folder import check_folder

AT_ONCE, VALUES = 250, 1 << 24  # images of one size, and what is made of them, at most
DIGITS = 6

FilePath = TypeVar("FilePath", str, Path)


class Named(NamedTuple):
    """An image uint8 (H, W, C), and its path in a folder, without a suffix."""

    name: str
    pixels: NDArray[np.uint8]


class Many:
    """The images of a source, as they are, to go through again and again: files of any sizes, or sets.

    Of both parts where the source has a test part of its own, that one last. channels: 1 for gray, 3 for RGB; as they
    are where None. limit: the first so many alone. of: the values that are black and white, where a model knows them;
    else those of arrays are found over all of them, and those of files are the whole range of their type. Raises
    InputError as `open_source`, and for two files of one name.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        data_root: str | os.PathLike[str] | None = None,
        *,
        channels: Literal[1, 3] | None = None,
        limit: int | None = None,
        of: Range | None = None,
    ) -> None:
        path = Path(source).expanduser()
        self.folder = path if path.is_dir() else None
        parts = [part for part in every_part(source, data_root) if part is not None]
        arrays = [part for part in parts if not isinstance(part, EncodedImages)]
        self._parts: list[ImageSet | EncodedImages] = [part for part in parts if isinstance(part, EncodedImages)]
        if arrays:
            self._parts += leveled(arrays, of).parts
        self._form = Shaping(channels=channels, range=of)
        self._names: list[str] | None = None
        files = [file for part in self._parts if isinstance(part, EncodedImages) for file in part.files]
        if files and all(map(is_image, files)):  # no shards of images
            self._names = list(by_stem(files, path))
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
        see = partial(read_pixels, channels=self._form.channels, size=None, fit="crop", of=self._form.range)
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


def check_out(out: Path, images: Many) -> None:
    """InputError where a folder cannot be made, or would count among the images afterwards."""
    if images.folder is not None and images.folder.resolve() in out.resolve().parents:
        raise InputError(f"'{out}' is inside '{images.folder}', where the images are: choose a place outside")
    check_folder(out)


def write_pngs(folder: Path, names: Sequence[str], images: NDArray[np.uint8]) -> None:
    """Writes images uint8 (N, H, W, C) as `NAME.png` into a folder; a name may be a path in it."""
    for name, png in zip(names, png_bytes(images), strict=True):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)


def by_stem(files: Sequence[FilePath], folder: Path) -> dict[str, FilePath]:
    """Files in a folder by their paths there, without suffixes; InputError where two differ in the suffix alone."""
    found: dict[str, FilePath] = {}
    for file in files:
        twin = found.setdefault(str(PurePath(os.path.relpath(file, folder)).with_suffix("")), file)
        if twin is not file:
            names = " and ".join(f"'{shown(os.path.relpath(each, folder))}'" for each in (twin, file))
            raise InputError(f"'{folder}' has {names}, which differ in the suffix alone: rename one")
    return found
