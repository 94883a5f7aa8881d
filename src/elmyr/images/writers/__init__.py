"""Image sets as files and folders, written as they come: a million images take no more memory than a thousand.

A kind is a file here and a line in the table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.writers.folder import check_folder, write_folder
from elmyr.images.writers.npz import write_npz
from elmyr.images.writers.parquet import check_parquet, write_parquet
from elmyr.images.writers.places import check_file
from elmyr.images.writers.sink import Sink, WritePlan, Writer, telling
from elmyr.images.writers.square import write_square
from elmyr.images.writers.tar import check_tar, write_tar

SHARD = 10_000


@dataclass(frozen=True)
class WriterKind:
    """A way to write images: the writer, and what refuses a path that it cannot write."""

    write: Writer
    check: Callable[[Path], None]


BY_SUFFIX = {
    ".npz": WriterKind(write_npz, check_file),
    ".png": WriterKind(write_square, check_file),
    ".parquet": WriterKind(write_parquet, check_parquet),
    ".tar": WriterKind(write_tar, check_tar),
    "": WriterKind(write_folder, check_folder),
}


@contextmanager
def writing_images(
    path: str | os.PathLike[str],
    *,
    count: int,
    classes: tuple[str, ...] = (),
    labeled: bool = True,
    shard: int = SHARD,
) -> Iterator[Sink]:
    """A sink for `count` images in chunks of any length; what it writes is told by the path's suffix.

    `.npz`: the keys `images` uint8 (N, H, W, C), `labels` int64 (N,) where labeled, and `classes`. `.png`: one
    picture of all, at most 10,000. `.parquet`: as Hugging Face `datasets` has it, the columns `image` (PNG) and
    `label`. `.tar`: as WebDataset has it, `000000000.png` with its `.cls` and `.json`. No suffix: a folder of PNG
    for each class with `labels.csv`, or all in one folder where not labeled; a folder that holds files is refused.

    More than `shard` images of `.parquet` and `.tar` go into several files, `NAME-00000-of-00003.parquet` and
    `NAME-000000.tar`; where such files are already, they are refused, lest two sets mix.

    Whole or absent: what is written has its name only when the block ends well with all images given. Where the
    machine fails while several shards get their names, those there are lack the first. The same images give the
    same bytes, however they are cut into chunks.

    Raises InputError, before work starts, for a path that cannot be written, and where a disk is full; ValueError
    for chunks that are not what was announced: of another shape, with other classes, too many or too few images.
    """
    check_writable(path)
    with _writing(_kind(path).write, WritePlan(Path(path), count, tuple(classes), labeled, shard)) as sink:
        yield sink


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
    with _writing(write_npz, WritePlan(Path(path), len(image_set), image_set.classes, labeled, SHARD)) as sink:
        sink.add(image_set)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises InputError, before work starts, where images could not be written; leaves nothing behind."""
    _kind(path).check(Path(path))


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
