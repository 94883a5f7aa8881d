"""Image sets as one `.npz` file, the arrays uncompressed: what `numpy.savez` writes, without holding it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from elmyr.core.files import replacing
from elmyr.images.writers.sink import Block, Write, WritePlan


@contextmanager
def write_npz(plan: WritePlan) -> Iterator[Write]:
    """Writes the keys `images`, `classes` and, where there are any, `labels`. Only the labels are held in memory."""
    labels: list[NDArray[np.int64]] = []
    with replacing(plan.path) as beside, ZipFile(beside, "w") as archive:
        with archive.open("images.npy", "w", force_zip64=True) as member:

            def write(block: Block) -> None:
                if block.start == 0:
                    shape = (plan.count, *block.images.shape[1:])
                    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                    npy.write_array_header_1_0(member, header)
                member.write(block.images.data)
                if block.labels is not None:
                    labels.append(block.labels)

            yield write
        _add(archive, "classes", np.array(plan.classes, np.str_))
        if plan.labeled:
            _add(archive, "labels", np.concatenate(labels))


def _add(archive: ZipFile, key: str, array: NDArray[Any]) -> None:
    with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
        npy.write_array(member, array, allow_pickle=False)
