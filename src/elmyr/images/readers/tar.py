"""WebDataset: tar files in which an image `KEY.png` stands beside its label `KEY.cls` or `KEY.json`.

Members are read where they stand; nothing is ever unpacked to a place of the archive's choosing.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from elmyr.errors import InputError
from elmyr.images.encoded import EncodedImages, in_order, one_line, shown
from elmyr.images.formats import SUFFIXES
from elmyr.images.readers.parts import training_and_test

SUFFIX = ".tar"
LARGEST_LABEL, LARGEST_IMAGE = 1 << 16, 1 << 28


@dataclass
class _Member:
    """Where an image stands in its file, and what is told of it."""

    file: Path
    name: str
    offset: int = -1
    size: int = 0
    number: str | None = None
    class_name: str | None = None


def has_tar_files(path: Path) -> bool:
    """Whether it is a tar file or a folder of them."""
    return bool(_files(path))


def read_tar(path: Path) -> tuple[EncodedImages, EncodedImages | None]:
    """The images of a tar file or of the shards in a folder; `train-…` and `test-…` become its own parts.

    Raises InputError for a damaged file, for members that lead out of it, and where only some images have labels.
    """
    files = _files(path)
    training, testing = training_and_test(files) or (files, [])
    return _read_part(training, path), _read_part(testing, path) if testing else None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    return sorted(file for file in path.glob(f"*{SUFFIX}") if file.is_file())


def _read_part(files: list[Path], where: Path) -> EncodedImages:
    members = [member for file in files for member in _members(file)]
    labels = [member.number if member.class_name is None else member.class_name for member in members]
    if None in labels and any(label is not None for label in labels):
        unlabeled = members[labels.index(None)]
        name = shown(unlabeled.name)
        raise InputError(f"'{name}' in '{unlabeled.file}' has no label, others have: add {name}.cls")
    known = [label for label in labels if label is not None]
    classes = _classes(members) if known else ()
    number_of = {name: number for number, name in enumerate(classes)}
    return EncodedImages(
        name=where.resolve().stem,
        where=str(where),
        names=[one_line(f"{member.file.name}/{member.name}") for member in members],
        open=lambda place: _open(members[place]),
        files=[str(file) for file in files],
        labels=np.array([number_of[label] for label in known], np.int64) if classes else None,
        classes=classes,
    )


def _classes(members: list[_Member]) -> tuple[str, ...]:
    """In the order of their numbers, where every class has one."""
    numbers = {
        member.class_name if member.class_name is not None else str(member.number): member.number for member in members
    }
    if all(number is not None for number in numbers.values()):
        return tuple(sorted(numbers, key=lambda name: int(numbers[name] or 0)))
    return in_order(numbers)


def _members(path: Path) -> list[_Member]:
    members: dict[str, _Member] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise InputError(f"'{path}' holds '{shown(member.name)}', which leads out of it: make it again")
                if member.size < 0:  # tarfile would go back, and round and round
                    raise InputError(f"'{path}' holds '{shown(member.name)}' of a negative size: make it again")
                if not member.isfile() or name.name.startswith("."):
                    continue
                key, _, kind = name.name.partition(".")
                about = members.setdefault(str(name.parent / key), _Member(path, str(name.parent / key)))
                try:
                    _note(about, f".{kind.lower()}", tar, member)
                except (ValueError, RecursionError):
                    raise InputError(
                        f"'{shown(member.name)}' in '{path}' holds no label: write the number of the class into a .cls "
                        "file, JSON into a .json file"
                    ) from None
            if not _ends(tar):
                raise InputError(
                    f"'{path}' is cut off or damaged after member {len(tar.getmembers()):,}: make it again"
                )
    except InputError:
        raise
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read ({shown(str(error))}): make it again") from None
    images = [member for member in members.values() if member.offset >= 0]
    if not images:
        raise InputError(f"'{path}' holds no images: make it again")
    return images


def _ends(tar: tarfile.TarFile) -> bool:
    """Whether its end mark, zeros, is where tarfile stopped: for a torn header it stops without a word, too."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    return not any(tar.fileobj.read(tarfile.BLOCKSIZE) or b"cut")


def _note(about: _Member, kind: str, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    if kind in SUFFIXES:
        about.offset, about.size = member.offset_data, member.size
    elif kind == ".cls" and member.size > LARGEST_LABEL:
        raise ValueError("too large")
    elif kind in (".cls", ".json") and member.size <= LARGEST_LABEL:
        file = tar.extractfile(member)
        content = b"" if file is None else file.read()
        if kind == ".cls":
            about.number = str(int(content))
        else:
            told = json.loads(content)
            found = told.get("class") if isinstance(told, dict) else None
            about.class_name = str(found) if isinstance(found, str | int) else None


def _open(member: _Member) -> BinaryIO:
    if member.size > LARGEST_IMAGE:
        raise ValueError("it is far too large")
    with member.file.open("rb") as file:
        file.seek(member.offset)
        content = file.read(member.size)
    if len(content) < member.size:
        raise ValueError("it is cut off")
    return BytesIO(content)
