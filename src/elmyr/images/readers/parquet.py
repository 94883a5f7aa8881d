"""Parquet in the layout of Hugging Face: a column of encoded images, one of labels, class names in the schema.

Needs pyarrow, the extra `[data]`.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.decode.encoded import EncodedImages, joined, shown
from elmyr.images.readers.labels.values import chosen_column, labels_of
from elmyr.images.readers.tree import note_beside, parts_of_shards, shards_in

SUFFIX = ".parquet"
IMAGE_COLUMNS = ("image", "img", "images", "picture", "photo", "pixels", "jpg", "jpeg", "png", "bytes")
NUMBERS = "write arrays as np.savez('images.npz', images=np.array(table['COLUMN'].to_pylist()), labels=...)"
PATHS = "give the folder of the files, with a table of labels as CSV in it"
GROUPS_AT_ONCE = 2  # row groups kept: images are asked for in their order


def has_parquet_files(path: Path) -> bool:
    """Whether it is a parquet file or a folder of them."""
    return bool(_files(path))


def read_parquet(path: Path, label_column: str | None = None) -> tuple[EncodedImages, EncodedImages | None]:
    """The images of a file or of the shards in a folder; `train-…` and `test-…` become its own parts.

    Raises InputError where there is no column of encoded images, where a label is missing, or the file is damaged.
    """
    files = _files(path)
    if path.is_dir():
        note_beside(files)
    training, testing = parts_of_shards(files)
    name = path.resolve().stem
    if testing:
        return _joined(training, name, path, label_column), _joined(testing, name, path, label_column)
    return _joined(training, name, path, label_column), None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    places = [place for place in (path, path / "data") if place.is_dir()]
    return next((found for place in places if (found := shards_in(place, SUFFIX))), [])


def _joined(files: list[Path], name: str, where: Path, label_column: str | None) -> EncodedImages:
    return joined([_read_file(file, name, where, label_column) for file in files])


def _read_file(path: Path, name: str, where: Path, label_column: str | None) -> EncodedImages:
    rows = _Rows(path)
    column = rows.label_column(label_column, str(where))
    labels, classes = (None, ()) if column is None else rows.labels(column)
    return EncodedImages(
        name=name,
        where=str(where),
        names=[f"{path.name}[{row}]" for row in range(len(rows))],
        open=rows.open,
        files=[str(path)],
        labels=labels,
        classes=classes,
        labels_from=column and f"the column '{shown(column)}'",
    )


class _Rows:
    """The rows of a file; of its images only a few row groups are in memory at a time."""

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise InputError(f"reading '{path}' needs pyarrow: pip install 'elmyr[data]'") from None
        self.path, self._damage = path, (pyarrow.ArrowException, OSError, ValueError)
        self._groups: OrderedDict[int, Any] = OrderedDict()
        self._lock = Lock()
        try:
            self._file = parquet.ParquetFile(path, memory_map=True)
            self._schema = self._file.schema_arrow
            metadata = self._file.metadata
            counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        except self._damage as error:
            raise self._unreadable(error) from None
        self._starts = np.cumsum([0, *counts])
        self._image = self._image_column(pyarrow.types)
        if not len(self):
            raise InputError(f"'{path}' has no rows: write it again")

    def __len__(self) -> int:
        return int(self._starts[-1])

    def open(self, row: int) -> BinaryIO:
        """The encoded image of a row."""
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        value = self._group(group)[row - int(self._starts[group])].as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        if content is None:
            path = value.get("path") if isinstance(value, dict) else None
            raise ValueError(f"its bytes are not in the file, only the path '{path}'" if path else "it is null")
        return BytesIO(content)

    def label_column(self, wanted: str | None, where: str) -> str | None:
        """The column of the labels, the wanted one or the likeliest; None where there is none."""
        columns = [name for name in self._schema.names if name != self._image]
        named = [name for name in columns if self._class_names(name)]
        return chosen_column(named, columns, wanted, where)

    def labels(self, column: str) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
        """Labels and class names of a column: of the schema, or else the values themselves."""
        try:
            values = self._file.read(columns=[column]).column(0).to_pylist()
        except self._damage as error:
            raise self._unreadable(error) from None
        return labels_of(values, self._class_names(column), str(self.path))

    def _image_column(self, types: Any) -> str:
        """The column of encoded images: by its name, else the only one of bytes; InputError where there is none."""
        kinds = {name: self._schema.field(name).type for name in self._schema.names}
        encoded = [name for name, kind in kinds.items() if _holds_bytes(kind, types)]
        named = [name for name in IMAGE_COLUMNS if name in encoded]
        pictures = named or [name for name in encoded if types.is_struct(kinds[name])] or encoded
        if pictures:
            return pictures[0]
        wrong = next((name for name in IMAGE_COLUMNS if name in kinds), None)
        if wrong is not None:
            fix = NUMBERS.replace("COLUMN", wrong) if types.is_list(kinds[wrong]) else PATHS
            raise InputError(
                f"the column '{wrong}' of '{self.path}' is {str(kinds[wrong])[:60]}: give encoded images, as PNG; or "
                f"{fix}"
            )
        columns = shown(", ".join(map(repr, self._schema.names[:10])))
        raise InputError(
            f"'{self.path}' has no column 'image' (it has {columns or 'none'}): name the column of encoded images so"
        )

    def _class_names(self, column: str) -> tuple[str, ...]:
        """What the schema's metadata calls the classes; none where it does not say."""
        try:
            features = json.loads((self._schema.metadata or {})[b"huggingface"])["info"]["features"]
            names = features[column]["names"]
        except (KeyError, TypeError, ValueError, RecursionError):
            return ()
        told = isinstance(names, list) and all(isinstance(name, int | str) for name in names)
        return tuple(map(str, names)) if told else ()

    def _group(self, group: int) -> Any:
        with self._lock:
            if group not in self._groups:
                self._groups[group] = self._file.read_row_group(group, columns=[self._image]).column(0)
                if len(self._groups) > GROUPS_AT_ONCE:
                    self._groups.popitem(last=False)
            return self._groups[group]

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(f"'{self.path}' cannot be read ({' '.join(str(error).split())[:120]}): write it again")


def _holds_bytes(kind: Any, types: Any) -> bool:
    """Whether a column of this type holds files, as bytes or as Hugging Face's pair of bytes and path."""
    if types.is_struct(kind):
        fields = {kind.field(number).name: kind.field(number).type for number in range(kind.num_fields)}
        kind = fields.get("bytes", kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))
