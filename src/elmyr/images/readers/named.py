"""Data sets known by name: found in the data root or in the cache, else downloaded into the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.readers.idx import find
from elmyr.images.storage.catalog import CATALOG, DataSet
from elmyr.images.storage.download import Unavailable, fetch

Pair = tuple[ImageSet, ImageSet]


def named(name: str, read: Callable[[Path], Pair]) -> Callable[[Path | None], Pair]:
    """The reader of a set of the catalog, from one that reads its files in a folder."""
    return lambda data_root: read_named(CATALOG[name], read, data_root)


def read_named(data_set: DataSet, read: Callable[[Path], Pair], data_root: Path | None) -> Pair:
    """The training and the test images of a data set, under its name and with its class names.

    Raises InputError for files that are not whole, and where they neither are there nor can be downloaded.
    """
    folder = locate(data_set, data_root)
    train, test = (replace(images, name=data_set.name) for images in read(folder))
    if not data_set.classes:
        return train, test
    try:
        return replace(train, classes=data_set.classes), replace(test, classes=data_set.classes)
    except InputError as error:
        raise InputError(f"'{folder}' holds no {data_set.title.partition(':')[0]}: {error}") from None


def locate(data_set: DataSet, data_root: Path | None) -> Path:
    """The folder with all files of a data set; downloaded into the cache where no folder has them.

    A file packed with gzip may lie there unpacked. Raises InputError where the files cannot be had.
    """
    own = [] if data_root is None else [data_root / data_set.name, data_root / data_set.place]
    cached = cache_folder() / "data" / data_set.place
    for folder in (*own, cached):
        if not _missing(data_set, folder):
            return folder
    try:
        fetch(data_set, cached)
    except Unavailable as error:
        raise InputError(_how_to_give(data_set, own, str(error))) from None
    return cached


def _missing(data_set: DataSet, folder: Path) -> list[str]:
    return [file.name for file in data_set.files if not find(folder, file.name.removesuffix(".gz"))]


def _how_to_give(data_set: DataSet, own: list[Path], reason: str) -> str:
    if own:
        missing = ", ".join(_missing(data_set, own[0]))
        return (
            f"'{own[0]}' has no {missing}, and '{data_set.name}' cannot be downloaded ({reason}): "
            "put what is missing there, or name another folder with --data-root or ELMYR_DATA"
        )
    files = ", ".join(file.name for file in data_set.files)
    return (
        f"'{data_set.name}' cannot be downloaded ({reason}): put {files} into a folder '{data_set.name}', "
        "and name the folder above it with --data-root or ELMYR_DATA"
    )
