"""Tar files: WebDataset, an image `KEY.png` beside its label in `KEY.cls`, `.json` or `.txt`; or class folders.

Members are read where they stand; nothing is ever unpacked to a place of the archive's choosing.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from elmyr.core.errors import InputError
from elmyr.images.dataset.passed_over import is_leftover, kinds_of, note_files
from elmyr.images.decode.codecs import decoders, is_image
from elmyr.images.decode.encoded import EncodedImages, one_line, shown
from elmyr.images.readers.labels import is_usual
from elmyr.images.readers.labels.members import LABEL, TOLD, labels_of_members
from elmyr.images.readers.tree import note_beside, parts_of_shards, shards_in
from elmyr.images.storage.members import Index, Member, kept_index

SUFFIX = ".tar"
LARGEST_LABEL, LARGEST_IMAGE = 1 << 16, 1 << 28


@dataclass
class _About:
    """Where an image stands in its file, what is told of it, and by which members."""

    name: str
    offset: int = -1
    size: int = 0
    told: dict[str, str] = field(default_factory=dict)
    beside: list[str] = field(default_factory=list)


def has_tar_files(path: Path) -> bool:
    """Whether it is a tar file or a folder of them."""
    return bool(_files(path))


def read_tar(path: Path, label_column: str | None = None) -> tuple[EncodedImages, EncodedImages | None]:
    """The images of a tar file or of the shards in a folder; `train-…` and `test-…` become its own parts.

    label_column: the key of the `.json` files that holds the labels. Raises InputError for a damaged file, for members
    that lead out of it, and where only some images have labels.
    """
    files = _files(path)
    if path.is_dir():
        note_beside(files)
    training, testing = parts_of_shards(files)
    test = _read_part(testing, path, label_column) if testing else None
    return _read_part(training, path, label_column), test


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    return shards_in(path, SUFFIX) if path.is_dir() else []


def _read_part(files: list[Path], where: Path, label_column: str | None) -> EncodedImages:
    members = [(file, member) for file in files for member in _members(file)]
    labels = labels_of_members([(member.name, member.told) for _, member in members], str(where), label_column)
    numbers = {name: number for number, name in enumerate(labels.classes)}
    return EncodedImages(
        name=where.resolve().stem,
        where=str(where),
        names=[one_line(f"{file.name}/{member.name}") for file, member in members],
        open=lambda place: _open(*members[place]),
        files=[str(file) for file in files],
        labels=np.array([numbers[label] for label in labels.values], np.int64) if labels.classes else None,
        classes=labels.classes,
        labels_from=labels.told,
    )


def _members(path: Path) -> list[Member]:
    index = kept_index(path, lambda: _walked(path), TOLD)
    note_files(path, index.others)
    return index.members


def _walked(path: Path) -> Index:
    """What going through all headers of a file finds."""
    members: dict[str, _About] = {}
    others: list[str] = []
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise InputError(f"'{path}' holds '{shown(member.name)}', which leads out of it: make it again")
                if member.size < 0:  # tarfile would go back, and round and round
                    raise InputError(f"'{path}' holds '{shown(member.name)}' of a negative size: make it again")
                if not member.isfile() or any(map(is_leftover, name.parts)):
                    continue
                key, _, kind = name.name.partition(".")
                about = members.setdefault(str(name.parent / key), _About(str(name.parent / key)))
                if f".{kind.lower()}" not in decoders() and is_image(name.name):  # KEY.any.png, the first of its key
                    kind = name.suffix[1:]
                    if about.offset >= 0:
                        about = members.setdefault(member.name, _About(str(name.with_suffix(""))))
                try:
                    known = _keep(about, f".{kind.lower()}", tar, member)
                except (ValueError, RecursionError):
                    raise InputError(
                        f"'{shown(member.name)}' in '{path}' holds no label: write the number of the class into a .cls "
                        "file, JSON into a .json file"
                    ) from None
                if not known:
                    others.append(member.name)
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
        held = f", but {kinds_of(others)}" if others else ""
        raise InputError(f"'{path}' holds no images{held}: make it again")
    alone = [name for member in members.values() if member.offset < 0 for name in member.beside]
    table = next((name for name in [*others, *alone] if is_usual(PurePosixPath(name).name)), None)
    if table is not None and not any(member.told for member in images):
        raise InputError(f"'{path}' holds a table of labels, '{shown(table)}': unpack it, and give the folder")
    return Index([Member(member.name, member.offset, member.size, member.told) for member in images], [*others, *alone])


def _ends(tar: tarfile.TarFile) -> bool:
    """Whether its end mark, zeros, is where tarfile stopped: for a torn header it stops without a word, too."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    return not any(tar.fileobj.read(tarfile.BLOCKSIZE) or b"cut")


def _keep(about: _About, kind: str, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bool:
    """Keeps what a member tells of an image; False where it tells nothing that is known."""
    if kind in decoders():
        about.offset, about.size = member.offset_data, member.size
        return True
    if kind == LABEL and member.size > LARGEST_LABEL:
        raise ValueError("too large")
    if kind not in TOLD or member.size > LARGEST_LABEL:
        return False
    file = tar.extractfile(member)
    about.beside.append(member.name)
    about.told |= TOLD[kind](b"" if file is None else file.read())
    return True


def _open(path: Path, member: Member) -> BinaryIO:
    if member.size > LARGEST_IMAGE:
        raise ValueError("it is far too large")
    with path.open("rb") as file:
        file.seek(member.offset)
        content = file.read(member.size)
    if len(content) < member.size:
        raise ValueError("it is cut off")
    return BytesIO(content)
