"""IDX files by their path: a folder with files named in any usual way, or one file with its labels beside it."""

from __future__ import annotations

import gzip
import os
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.dataset.labels import read_labels
from elmyr.images.dataset.raw import RawImages
from elmyr.images.decode.encoded import shown
from elmyr.images.readers.idx import GZIP_MAGIC, UNSIGNED_BYTES, pair_of, read_idx
from elmyr.images.readers.npz import told_of

NAME = re.compile(
    r"(?P<set>.*?)[-_.]?(?P<part>train|t10k|test)?[-_.]?(?P<kind>image|img|label)s?[-_.]?(idx\d)?[-_.]?(ubyte|idx\d?)?"
    r"(\.gz)?",
    re.IGNORECASE,
)
TOLD = ("idx", "ubyte")  # one of which is in the name of an IDX file
PARTS = {"train": "train", "t10k": "test", "test": "test"}
IMAGES = 3  # dimensions


class Pair(NamedTuple):
    """The files of the images and of the labels of a part, None where there is none."""

    images: Path
    labels: Path | None


def has_idx_files(path: Path) -> bool:
    """Whether it is an IDX file, or a folder of files that are named as IDX files are."""
    return _dimensions(path) > 0 if path.is_file() else bool(_named_files(path))


def read_idx_path(path: Path) -> tuple[RawImages, RawImages | None]:
    """The images of IDX files: those of a file, or of a folder's `train` and `t10k` or `test`, with their labels.

    Files may be named with hyphens or dots, and may be packed with gzip. Raises InputError, which names the file, for
    files that are not whole, for several sets in one folder, and where there are no training images.
    """
    if path.is_file():
        beside = _labels_beside(path)
        if beside is not None:
            note(f"'{path}': labels from '{beside.name}'")
        pairs = {"train": Pair(path, beside)}
        name = path.name.partition(".")[0]
    else:
        pairs, name = _pairs(path), path.resolve().name
    read = {part: _read(pair) for part, pair in pairs.items()}
    labeled = [labels for _, labels in read.values() if labels is not None]
    numbered = told_of(path, lambda: read_labels(np.concatenate(labeled))) if labeled else None
    ends = np.cumsum([len(labels) for labels in labeled])[:-1]
    numbers = iter([] if numbered is None else np.split(numbered.labels, ends))
    parts = {
        part: RawImages(
            images,
            None if labels is None else next(numbers),
            () if labels is None or numbered is None else numbered.classes,
            name,
            str(path),
        )
        for part, (images, labels) in read.items()
    }
    return parts["train"], parts.get("test")


def _read(pair: Pair) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    images = read_idx(pair.images, IMAGES)
    if pair.labels is None:
        if not images.size:
            raise InputError(f"'{pair.images}' holds no images: download it again")
        return images[..., None], None
    return pair_of(images, read_idx(pair.labels, 1), pair.images, pair.labels)


def _named_files(folder: Path) -> dict[str, dict[tuple[str, str], Path]]:
    """The IDX files of a folder by the set, then by the part and the kind that their names tell."""
    sets: dict[str, dict[tuple[str, str], Path]] = defaultdict(dict)
    for path in sorted(folder / name for name in _told_names(folder)):
        found = NAME.fullmatch(path.name)
        if found is None:
            continue
        file = path / path.name if path.is_dir() else path  # as some archives unpack
        if file.is_file():
            kind = "labels" if found["kind"].lower() == "label" else "images"
            sets[found["set"]].setdefault((PARTS[(found["part"] or "train").lower()], kind), file)
    return sets


def _told_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as inside:
        return [one.name for one in inside if any(word in one.name.lower() for word in TOLD)]


def _pairs(folder: Path) -> dict[str, Pair]:
    sets = _named_files(folder)
    if len(sets) > 1:
        listed = ", ".join(f"'{shown(name)}…'" for name in sets)
        raise InputError(f"'{folder}' holds the IDX files of several sets ({listed}): give each a folder of its own")
    files = next(iter(sets.values()))
    pairs = {}
    for part in ("train", "test"):
        images, labels = files.get((part, "images")), files.get((part, "labels"))
        if images is None and (labels is not None or part == "train"):
            raise InputError(
                f"'{folder}' has no {part} images in IDX beside {_listed(files)}: put what is missing there"
            )
        if images is not None and labels is None and any(kind == "labels" for _, kind in files):
            raise InputError(
                f"'{folder}' has no {part} labels in IDX beside {_listed(files)}: put what is missing there"
            )
        if images is not None:
            pairs[part] = Pair(images, labels)
    return pairs


def _listed(files: dict[tuple[str, str], Path]) -> str:
    return ", ".join(path.name for path in files.values())


def _labels_beside(images: Path) -> Path | None:
    name = images.name.replace("images", "labels").replace("idx3", "idx1")
    return images.with_name(name) if name != images.name and images.with_name(name).is_file() else None


def _dimensions(path: Path) -> int:
    """How many dimensions the IDX file of bytes has; 0 where it is none."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(GZIP_MAGIC):
        try:
            with gzip.open(path) as packed:
                start = packed.read(4)
        except (OSError, EOFError):
            return 0
    magic = int.from_bytes(start, "big") if len(start) == 4 else 0
    return magic - UNSIGNED_BYTES if magic >> 8 == UNSIGNED_BYTES >> 8 else 0
