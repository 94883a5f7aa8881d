"""A folder of arrays: an `.npz` archive, one for each part, or `.npy` files named as the keys of an archive are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from elmyr.core.arrays import DAMAGE
from elmyr.core.errors import InputError
from elmyr.images.dataset.raw import RawImages
from elmyr.images.decode.codecs import is_image, suffix_of
from elmyr.images.decode.encoded import shown
from elmyr.images.readers.keys import keys_of
from elmyr.images.readers.npz import RawParts, parts_of, read_npy, read_npz, told_of
from elmyr.images.readers.parts import training_and_test
from elmyr.images.storage.stored import mapped

ARCHIVE, ARRAY = ".npz", ".npy"


def has_arrays(path: Path) -> bool:
    """Whether it is a folder with archives or arrays, and nothing else that could be images."""
    return bool(_files(path))


def read_array_folder(folder: Path) -> RawParts:
    """The images of a folder's only archive or array; of `train…npz` and `test…npz`; of `X_train.npy`, `y_train.npy` ….

    Raises InputError, which names the files, where it is not told which of several is meant.
    """
    files = _files(folder)
    archives = [file for file in files if suffix_of(file.name) == ARCHIVE]
    arrays = [file for file in files if suffix_of(file.name) == ARRAY]
    if archives and arrays:
        raise InputError(_which(folder, files))
    if len(files) == 1:
        return read_npz(files[0]) if archives else read_npy(files[0])
    if arrays:
        keys = told_of(folder, lambda: keys_of([file.stem for file in arrays]))
        taken = {*keys.images.values(), *keys.labels.values(), keys.classes}
        return parts_of({file.stem: _loaded(file) for file in arrays if file.stem in taken}, keys, folder)
    parts = training_and_test(archives)
    if parts is None or [len(part) for part in parts] != [1, 1]:
        raise InputError(_which(folder, files))
    train, test = (read_npz(part[0])[0] for part in parts)
    name = folder.resolve().name
    return _named(train, name), _named(test, name)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    files = []
    with os.scandir(path) as inside:
        for one in inside:
            if is_image(one.name) or (one.is_dir() and not one.name.startswith(("_", ".", "@"))):
                return []
            if suffix_of(one.name) in (ARCHIVE, ARRAY) and not one.name.startswith("."):
                files.append(path / one.name)
    return sorted(files)


def _loaded(file: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = mapped(file)
    except DAMAGE as error:
        raise InputError(f"'{file}' cannot be read ({shown(str(error))}): write it with numpy.save") from None
    return array


def _named(images: RawImages, name: str) -> RawImages:
    return RawImages(images.values, images.labels, images.classes, name, images.where)


def _which(folder: Path, files: list[Path]) -> str:
    listed = ", ".join(f"'{shown(file.name)}'" for file in files[:5]) + (", …" if len(files) > 5 else "")
    return f"'{folder}' holds {listed}: name the one that is meant"
