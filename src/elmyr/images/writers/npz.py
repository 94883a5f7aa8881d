"""Image sets as one `.npz` file, the arrays uncompressed: what `numpy.savez` writes, without holding it in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy

from elmyr.core.files import replacing
from elmyr.images.writers.sink import Block, Write, WritePlan

LABELS = "<i8"


@contextmanager
def write_npz(plan: WritePlan) -> Iterator[Write]:
    """Writes the keys `images`, `classes` and, where there are any, `labels`, which wait in a file of their own."""
    count = len(plan.places)
    with (
        replacing(plan.path) as beside,
        TemporaryFile(dir=plan.path.parent) as labels,
        ZipFile(beside, "w") as archive,
    ):
        with archive.open("images.npy", "w", force_zip64=True) as member:

            def write(block: Block) -> None:
                if block.start == plan.places.start:
                    _write_header(member, "|u1", (count, *block.images.shape[1:]))
                member.write(block.images.data)
                if block.labels is not None:
                    labels.write(block.labels.astype(LABELS, copy=False).data)

            yield write
        with archive.open("classes.npy", "w", force_zip64=True) as member:
            npy.write_array(member, np.array(plan.classes, np.str_), allow_pickle=False)
        if plan.labeled:
            labels.seek(0)
            with archive.open("labels.npy", "w", force_zip64=True) as member:
                _write_header(member, LABELS, (count,))
                shutil.copyfileobj(labels, member)


def _write_header(member: IO[bytes], kind: str, shape: tuple[int, ...]) -> None:
    npy.write_array_header_1_0(member, {"descr": kind, "fortran_order": False, "shape": shape})
