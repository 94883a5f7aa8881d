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

from elmyr.errors import InputError
from elmyr.images.encoded import EncodedImages, in_order, joined, shown
from elmyr.images.readers.parts import training_and_test

SUFFIX = ".parquet"
IMAGE_COLUMNS, LABEL_COLUMNS = ("image", "img", "images"), ("label", "labels", "class")
GROUPS_AT_ONCE = 2  # row groups kept: images are asked for in their order


def has_parquet_files(path: Path) -> bool:
    """Whether it is a parquet file or a folder of them."""
    return bool(_files(path))


def read_parquet(path: Path) -> tuple[EncodedImages, EncodedImages | None]:
    """The images of a file or of the shards in a folder; `train-…` and `test-…` become its own parts.

    Raises InputError where there is no column of encoded images, where a label is missing, or the file is damaged.
    """
    files = _files(path)
    training, testing = training_and_test(files) or (files, [])
    name = path.resolve().stem
    if testing:
        return _joined(training, name, path), _joined(testing, name, path)
    return _joined(files, name, path), None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    places = (path, path / "data") if path.is_dir() else ()
    return next((found for place in places if (found := _inside(place))), [])


def _inside(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob(f"*{SUFFIX}") if file.is_file())


def _joined(files: list[Path], name: str, where: Path) -> EncodedImages:
    return joined([_read_file(file, name, where) for file in files])


def _read_file(path: Path, name: str, where: Path) -> EncodedImages:
    rows = _Rows(path)
    labels, classes = rows.labels()
    return EncodedImages(
        name=name,
        where=str(where),
        names=[f"{path.name}[{row}]" for row in range(len(rows))],
        open=rows.open,
        files=[str(path)],
        labels=labels,
        classes=classes,
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
        self._image = self._column(IMAGE_COLUMNS)
        if self._image is None:
            columns = shown(", ".join(map(repr, self._schema.names[:10])))
            raise InputError(
                f"'{path}' has no column 'image' (it has {columns or 'none'}): name the column of encoded images so"
            )
        kind = self._schema.field(self._image).type
        encoded = kind.field("bytes").type if pyarrow.types.is_struct(kind) and "bytes" in _fields(kind) else kind
        if not (pyarrow.types.is_binary(encoded) or pyarrow.types.is_large_binary(encoded)):
            raise InputError(f"the column '{self._image}' of '{path}' is {str(kind)[:60]}: give encoded images, as PNG")
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

    def labels(self) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
        """Labels and class names: of the schema, or else the values themselves."""
        column = self._column(LABEL_COLUMNS)
        if column is None:
            return None, ()
        try:
            values = self._file.read(columns=[column]).column(0).to_pylist()
        except self._damage as error:
            raise self._unreadable(error) from None
        place = next((place for place, value in enumerate(values) if type(value) not in (int, str)), None)
        if place is not None:
            label = shown(repr(values[place]))
            raise InputError(f"row {place} of '{self.path}' has the label {label}: give a number or a name")
        names = self._class_names(column)
        if names and all(isinstance(value, int) for value in values):
            if not 0 <= min(values) <= max(values) < len(names):
                raise InputError(f"'{self.path}' has labels from {min(values)} to {max(values)} for {len(names)} names")
            return np.array(values, np.int64), names
        classes = in_order({str(value) for value in values})
        number_of = {known: number for number, known in enumerate(classes)}
        return np.array([number_of[str(value)] for value in values], np.int64), classes

    def _class_names(self, column: str) -> tuple[str, ...]:
        """What the schema's metadata calls the classes; none where it does not say."""
        try:
            features = json.loads((self._schema.metadata or {})[b"huggingface"])["info"]["features"]
            names = features[column]["names"]
        except (KeyError, TypeError, ValueError, RecursionError):
            return ()
        told = isinstance(names, list) and all(isinstance(name, int | str) for name in names)
        return tuple(map(str, names)) if told else ()

    def _column(self, known: tuple[str, ...]) -> str | None:
        return next((name for name in known if name in self._schema.names), None)

    def _group(self, group: int) -> Any:
        with self._lock:
            if group not in self._groups:
                self._groups[group] = self._file.read_row_group(group, columns=[self._image]).column(0)
                if len(self._groups) > GROUPS_AT_ONCE:
                    self._groups.popitem(last=False)
            return self._groups[group]

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(f"'{self.path}' cannot be read ({' '.join(str(error).split())[:120]}): write it again")


def _fields(kind: Any) -> list[str]:
    return [kind.field(number).name for number in range(kind.num_fields)]
