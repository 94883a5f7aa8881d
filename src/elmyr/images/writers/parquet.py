"""Image sets as Parquet, the way Hugging Face `datasets` writes them: it reads them as Image and ClassLabel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from elmyr.core.errors import InputError
from elmyr.images.writers.encoding import png_bytes
from elmyr.images.writers.shards import Shards, write_shards
from elmyr.images.writers.sink import Block, Write, WritePlan


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError("writing .parquet needs pyarrow: pip install 'elmyr[data]'") from None


PARQUET = Shards(lambda index, count: f"-{index:05}-of-{count:05}", r"-\d{5,}-of-\d{5,}", _require_pyarrow)


def write_parquet(plan: WritePlan) -> AbstractContextManager[Write]:
    """Writes the columns `image`, a struct of PNG bytes and a file name, and, where labeled, `label`."""
    return write_shards(plan, _open_shard, PARQUET)


@contextmanager
def _open_shard(path: Path, plan: WritePlan) -> Iterator[Write]:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = _schema(plan)
    few = ["label"] if plan.labeled else False  # neither a dictionary nor statistics of PNG bytes are of use

    with (
        path.open("wb") as file,
        ParquetWriter(file, schema, use_dictionary=few, write_statistics=few) as writer,
    ):

        def write(block: Block) -> None:
            names = [f"{block.start + number:09}.png" for number in range(len(block.images))]
            images = [{"bytes": png, "path": name} for png, name in zip(png_bytes(block.images), names, strict=True)]
            columns = {"image": images} | ({} if block.labels is None else {"label": block.labels})
            writer.write_table(pyarrow.table(columns, schema=schema))  # a block is a row group

        yield write


def _schema(plan: WritePlan) -> Any:
    import pyarrow

    fields = {"image": pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})}
    features: dict[str, object] = {"image": {"_type": "Image"}}
    if plan.labeled:
        fields["label"] = pyarrow.int64()
        features["label"] = {"names": plan.classes, "_type": "ClassLabel"}
    return pyarrow.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})
