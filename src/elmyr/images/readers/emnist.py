"""EMNIST: one zip archive of many sets, each of IDX files packed with gzip.

Cohen, Afshar, Tapson & van Schaik 2017, "EMNIST: an extension of MNIST to handwritten letters".
"""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.readers.idx import pair_of, read_idx_stream

ARCHIVE = "gzip.zip"
LARGEST = 1 << 28  # bytes of a member; the images of the largest set are 200 MB


def read_emnist(folder: Path, part: str) -> tuple[ImageSet, ImageSet]:
    """The training and the test images of a part (`letters`, `digits`, `balanced`), upright, labels from 0 on.

    A class is named by the last of its characters in the part's own mapping: `a` for the letters A and a. Raises
    InputError for an archive that is damaged or lacks a member, and for labels that the mapping does not know.
    """
    archive = folder / ARCHIVE
    try:
        with zipfile.ZipFile(archive) as file:
            first, classes = _mapping(file, archive, part)
            train, test = (_read_split(file, archive, f"{part}-{split}", first, classes) for split in ("train", "test"))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"'{archive}' cannot be read ({error}): download it again") from None
    return train, test


def _mapping(file: zipfile.ZipFile, archive: Path, part: str) -> tuple[int, tuple[str, ...]]:
    """The first label, and the names of the classes from it on."""
    name = f"gzip/emnist-{part}-mapping.txt"
    content = _member(file, archive, name)
    try:
        lines = [[int(number) for number in line.split()] for line in content.decode().splitlines() if line.strip()]
        first = lines[0][0]
        classes = tuple(chr(line[1:][-1]) for line in lines)
    except (ValueError, OverflowError, IndexError):
        raise InputError(f"'{archive / name}' does not map labels to characters: download the archive again") from None
    if [line[0] for line in lines] != list(range(first, first + len(lines))):
        raise InputError(f"'{archive / name}' leaves labels out: download the archive again")
    return first, classes


def _read_split(file: zipfile.ZipFile, archive: Path, split: str, first: int, classes: tuple[str, ...]) -> ImageSet:
    images_name, labels_name = (f"gzip/emnist-{split}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
    images, labels = pair_of(
        _idx(file, archive, images_name, 3),
        _idx(file, archive, labels_name, 1),
        archive / images_name,
        archive / labels_name,
    )
    labels -= first
    if not 0 <= labels.min() <= labels.max() < len(classes):
        raise InputError(
            f"'{archive / labels_name}' has labels from {labels.min() + first} to {labels.max() + first}, its mapping "
            f"from {first} to {first + len(classes) - 1}: download the archive again"
        )
    upright = np.ascontiguousarray(images.transpose(0, 2, 1, 3))  # they are stored column by column
    return ImageSet(upright, labels, classes, "emnist")


def _idx(file: zipfile.ZipFile, archive: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
    return read_idx_stream(BytesIO(_member(file, archive, name)), archive / name, dimensions)


def _member(file: zipfile.ZipFile, archive: Path, name: str) -> bytes:
    try:
        member = file.getinfo(name)
    except KeyError:
        raise InputError(f"'{archive}' has no {name}: download it again") from None
    if member.file_size > LARGEST:
        raise InputError(f"'{archive / name}' is far too large: download the archive again")
    return file.read(member)
