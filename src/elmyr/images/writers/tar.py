"""Image sets as tar files, the way WebDataset reads them: files of one number belong together."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from elmyr.images.writers.encoding import png_bytes
from elmyr.images.writers.shards import Shards, write_shards
from elmyr.images.writers.sink import Block, Write, WritePlan

TAR = Shards(lambda index, count: f"-{index:06}", r"-\d{6,}")


def write_tar(plan: WritePlan) -> AbstractContextManager[Write]:
    """Writes `000000000.png` and, where labeled, `.cls` with the label and `.json` with the name of the class."""
    return write_shards(plan, _open_shard, TAR)


@contextmanager
def _open_shard(path: Path, plan: WritePlan) -> Iterator[Write]:
    with path.open("wb") as file, tarfile.open(fileobj=file, mode="w") as archive:

        def write(block: Block) -> None:
            for number, png in enumerate(png_bytes(block.images)):
                key = f"{block.start + number:09}"
                if block.labels is not None:
                    label = int(block.labels[number])
                    _add(archive, f"{key}.cls", str(label).encode())
                    _add(archive, f"{key}.json", json.dumps({"class": plan.classes[label]}).encode())
                _add(archive, f"{key}.png", png)

        yield write


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # without time and owner: the same images give the same bytes
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
