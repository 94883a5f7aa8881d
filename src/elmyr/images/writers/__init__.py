"""Image sets as files and folders, written as they come: a million images take no more memory than a thousand.

A kind is a file here and a line in the table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elmyr.core.errors import InputError
from elmyr.core.parts import Part
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.writers.folder import check_folder, write_folder
from elmyr.images.writers.npz import write_npz
from elmyr.images.writers.parquet import PARQUET, write_parquet
from elmyr.images.writers.places import check_file
from elmyr.images.writers.shards import Shards
from elmyr.images.writers.sink import Sink, WritePlan, Writer, telling
from elmyr.images.writers.square import write_square
from elmyr.images.writers.tar import TAR, write_tar

SHARD = 10_000


@dataclass(frozen=True)
class WriterKind:
    """A way to write images: the writer, what refuses a path that it cannot write, and how its shards are named.

    whole: whether what it writes is one thing, which several processes cannot write in parts.
    """

    write: Writer
    check: Callable[[Path], None]
    shards: Shards | None = None
    whole: bool = False


BY_SUFFIX = {
    ".npz": WriterKind(write_npz, check_file),
    ".png": WriterKind(write_square, check_file, whole=True),
    ".parquet": WriterKind(write_parquet, PARQUET.check, PARQUET),
    ".tar": WriterKind(write_tar, TAR.check, TAR),
    "": WriterKind(write_folder, check_folder),
}


@contextmanager
def writing_images(
    path: str | os.PathLike[str],
    *,
    count: int,
    classes: tuple[str, ...] = (),
    labeled: bool = True,
    shard: int | None = None,
    places: range | None = None,
) -> Iterator[Sink]:
    """A sink for `count` images in chunks of any length; what it writes is told by the path's suffix.

    `.npz`: the keys `images` uint8 (N, H, W, C), `labels` int64 (N,) where labeled, and `classes`. `.png`: one
    picture of all, at most 10,000. `.parquet`: as Hugging Face `datasets` has it, the columns `image` (PNG) and
    `label`. `.tar`: as WebDataset has it, `000000000.png` with its `.cls` and `.json`. No suffix: a folder of PNG
    for each class with `labels.csv`, or all in one folder where not labeled; a folder that holds files is refused.

    More than `shard` images (10,000) of `.parquet` and `.tar` go into several files, `NAME-00000-of-00003.parquet` and
    `NAME-000000.tar`; where such files are already, they are refused, lest two sets mix.

    places: which of the `count` images come, where several processes write a part each (`place_of_part`): the numbers
    of files and shards are those of the whole set.

    Whole or absent: what is written has its name only when the block ends well with all images given. Where the
    machine fails while several shards get their names, those there are lack the first. The same images give the
    same bytes, however they are cut into chunks.

    Raises InputError, before work starts, for a path that cannot be written, and where a disk is full; ValueError
    for chunks that are not what was announced: of another shape, with other classes, too many or too few images.
    """
    kind, plan = _kind(path), _plan(path, count, classes, labeled, shard=shard, places=places)
    if kind.shards is not None and len(plan.places) < count:
        kind.shards.check_part(plan)
    else:
        kind.check(plan.path)
    with _writing(kind.write, plan) as sink:
        yield sink


class Place(NamedTuple):
    """Where a part of some images is written, and the numbers of those that are in it."""

    path: Path
    places: range


def place_of_part(
    path: str | os.PathLike[str],
    part: Part,
    *,
    count: int,
    unit: int,
    shard: int | None = None,
    may_be_empty: bool = False,
) -> Place:
    """Where a part of `count` images is written, and which of them these are: in shards or in a file of its own.

    Together the parts of `.tar` and `.parquet` write what one process writes, the same shards; of `.npz` and of folders
    each is one by itself, `NAME-2-of-4.npz`, with the numbers of the whole set. unit: images that are not parted.
    Raises InputError for a picture, and for a part without images, unless it may be empty.
    """
    kind, path = _kind(path), Path(path)
    if part.of == 1:
        return Place(path, range(count))
    if kind.whole:
        raise InputError(f"'{path}' is one picture, which is not made in parts: give another suffix")
    unit = unit if kind.shards is None else SHARD if shard is None else shard
    places, units = part.places(count, unit), -(-count // unit)
    if not places and not may_be_empty:
        pieces = "shards" if kind.shards is not None else "pieces"
        raise InputError(
            f"the part {part} of {count:,} images is empty: they are written in {pieces} of {unit:,}, so give at most "
            f"{units:,} part{'s' * (units > 1)}"
        )
    if kind.shards is None:
        path = path.with_name(f"{path.stem}-{part.number}-of-{part.of}{path.suffix}")
    return Place(path, places)


def save_images(image_set: ImageSet, path: str | os.PathLike[str]) -> None:
    """Writes an image set as `writing_images` does, in one go; raises InputError where that does."""
    labeled = image_set.labels is not None
    with writing_images(path, count=len(image_set), classes=image_set.classes, labeled=labeled) as sink:
        sink.add(image_set)


def save_npz(image_set: ImageSet, path: str | os.PathLike[str]) -> None:
    """Writes the keys `images` uint8 (N, H, W, C), `labels` int64 (N,) where there are any, and `classes`.

    Whole or not at all, whatever the suffix; raises InputError where it cannot be written.
    """
    labeled = image_set.labels is not None
    with _writing(write_npz, _plan(path, len(image_set), image_set.classes, labeled)) as sink:
        sink.add(image_set)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises InputError, before work starts, where images could not be written; leaves nothing behind."""
    _kind(path).check(Path(path))


def _plan(
    path: str | os.PathLike[str],
    count: int,
    classes: Sequence[str],
    labeled: bool,
    *,
    shard: int | None = None,
    places: range | None = None,
) -> WritePlan:
    return WritePlan(
        Path(path),
        count,
        tuple(classes),
        labeled,
        SHARD if shard is None else shard,
        range(count) if places is None else places,
    )


@contextmanager
def _writing(writer: Writer, plan: WritePlan) -> Iterator[Sink]:
    writing = writer(plan)
    with telling(plan.path):
        write = writing.__enter__()
    try:
        sink = Sink(plan, write)
        yield sink
        sink.check_complete()
    except BaseException:
        with suppress(OSError):  # a full disk is told once, and the caller's own errors stay as they are
            writing.__exit__(*sys.exc_info())
        raise
    with telling(plan.path):
        writing.__exit__(None, None, None)


def _kind(path: str | os.PathLike[str]) -> WriterKind:
    suffix = Path(path).suffix.lower()
    if suffix not in BY_SUFFIX:
        raise InputError(
            f"cannot write images as '{os.fspath(path)}': "
            f"give it the suffix {' or '.join(filter(None, BY_SUFFIX))}, or none for a folder"
        )
    return BY_SUFFIX[suffix]
