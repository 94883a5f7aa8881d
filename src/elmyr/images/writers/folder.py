"""Image sets as a folder of PNG for each class, with a table of labels; unlabeled, all in one folder."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.files import flush
from elmyr.images.writers.encoding import png_bytes
from elmyr.images.writers.names import folder_names
from elmyr.images.writers.places import check_beside
from elmyr.images.writers.sink import Block, Write, WritePlan, telling

TABLE = "labels.csv"
COLUMNS = ("file", "label", "class")


@contextmanager
def write_folder(plan: WritePlan) -> Iterator[Write]:
    """Writes `CLASS/000000.png`, or `000000.png` where not labeled: the number is the image's place in the set.

    `labels.csv` tells of each file its label and the true name of its class: a folder's name is made safe.
    """
    digits = max(6, len(str(plan.count - 1)))
    folders = folder_names(plan.classes, taken=[TABLE])

    def place(number: int, label: int | None) -> str:
        return f"{number:0{digits}}.png" if label is None else f"{folders[label]}/{number:0{digits}}.png"

    with replacing_folder(plan.path) as beside, _table(beside / TABLE if plan.labeled else None) as table:

        def write(block: Block) -> None:
            own = [None] * len(block.images) if block.labels is None else block.labels.tolist()
            for label in sorted({label for label in own if label is not None}):
                (beside / folders[label]).mkdir(exist_ok=True)
            for number, (label, png) in enumerate(zip(own, png_bytes(block.images), strict=True), block.start):
                (beside / place(number, label)).write_bytes(png)
                if label is not None:
                    table((place(number, label), label, plan.classes[label]))

        yield write


@contextmanager
def _table(path: Path | None) -> Iterator[Callable[[tuple[str, int, str]], object]]:
    """What takes the rows of `labels.csv`, which it writes as they come; nothing where there are no labels."""
    if path is None:
        yield lambda row: None
        return
    # The names come from folders, where any bytes may stand: what is no Unicode is escaped.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        yield table.writerow


def check_folder(path: Path) -> None:
    """InputError where a folder could not be made, or holds something already; leaves nothing behind."""
    if path.name in ("", "..") or path.name.startswith("."):
        raise InputError(f"'{path}' is no name for a folder of images: choose one that does not begin with a dot")
    with telling(path):
        if path.exists() and any(path.iterdir()):
            raise FileExistsError(None, "it holds files already")
    check_beside(path)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """As `elmyr.core.files.replacing`, for a folder that is absent or empty."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    shutil.rmtree(beside, ignore_errors=True)  # of a killed process that had the same number, as in a container
    beside.mkdir()
    try:
        yield beside
        if hasattr(os, "sync"):
            os.sync()  # once for all: a file's own flush takes longer than its writing
        if path.exists():
            path.rmdir()  # Windows renames onto no folder, not even an empty one
        beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    flush(path.parent)
