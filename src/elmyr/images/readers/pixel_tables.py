"""Tables of pixels, as Kaggle has MNIST: one row per image, a column for each pixel or one for all, and the label."""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from elmyr.core.arrays import DAMAGE
from elmyr.core.errors import InputError, suggestion
from elmyr.core.notes import note
from elmyr.images.dataset.labels import read_labels
from elmyr.images.dataset.passed_over import note_files
from elmyr.images.dataset.raw import RawImages
from elmyr.images.decode.codecs import is_image
from elmyr.images.decode.encoded import shown
from elmyr.images.readers.npz import told_of
from elmyr.images.readers.parts import training_and_test
from elmyr.images.readers.tree import content_of

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
FEWEST = 49  # pixels of an image: shorter rows are tables of labels
LONGEST = 1 << 20  # characters of a row
PIXEL = re.compile(r"(pixel|pix|px|p|x|v|feature|column)?[ _]?\d+([x_,. ]\d+)?", re.IGNORECASE)
LABELS = ("label", "labels", "class", "target", "y", "digit", "letter", "character", "emotion", "category")
USAGE = "usage"  # of a row, as in FER2013: training or one of two test parts
TESTING = ("publictest", "privatetest", "test")


class Columns(NamedTuple):
    """Where the pixels, the label and the part of a row are; whether all pixels are in `one` column; the names.

    numbered: whether the first label is a number.
    """

    pixels: Sequence[int]
    label: int | None
    usage: int | None = None
    one: bool = False
    header: Sequence[str] = ()
    numbered: bool = False


class Rows(NamedTuple):
    """What a table has: pixels (N, P), labels (N,) or None, and whether a row is one of the test part, bool (N,)."""

    pixels: NDArray[Any]
    labels: NDArray[Any] | None
    testing: NDArray[np.bool_]


def has_pixel_tables(path: Path) -> bool:
    """Whether it is a table of pixels, or a folder of nothing else that could be images."""
    return bool(_files(path))


def read_pixel_tables(path: Path, label_column: str | None = None) -> tuple[RawImages, RawImages | None]:
    """The images of a table, or of the tables in a folder, `train.csv` and `test.csv` as its parts.

    label_column: the name of the column of the labels. What the labels were read from is told. Raises InputError, which
    names the table, for rows of unequal length and for pixels that are no square image.
    """
    files = _files(path)
    if path.is_dir():
        note_files(path, [name for name in content_of(path).others if path / name not in files])
    training, testing = training_and_test(files) or (files, [])
    if len(training) > 1 or len(testing) > 1:
        listed = ", ".join(f"'{shown(file.name)}'" for file in files)
        raise InputError(f"'{path}' holds {listed}: name the one that is meant")
    rows = [told_of(file, partial(_rows, file, label_column)) for file in (*training, *testing)]
    return told_of(path, lambda: _parts(rows, path))


def _parts(tables: Sequence[Rows], path: Path) -> tuple[RawImages, RawImages | None]:
    """The training and the test part of one or two tables, with the classes of both."""
    name = path.name.partition(".")[0] if path.is_file() else path.resolve().name
    labeled = [table.labels for table in tables if table.labels is not None]
    numbered = read_labels(np.concatenate(labeled)) if labeled else None
    ends = np.cumsum([len(labels) for labels in labeled])[:-1]
    labels = iter([] if numbered is None else np.split(numbered.labels, ends))
    found = []
    for table in tables:
        side = isqrt(table.pixels.shape[1])
        values = table.pixels.reshape(-1, side, side, 1)
        known = table.labels is not None and numbered is not None
        own = next(labels) if known else None
        classes = numbered.classes if known and numbered is not None else ()
        for testing in (False, True):
            kept = table.testing == testing
            if kept.any():
                found.append(RawImages(values[kept], None if own is None else own[kept], classes, name, str(path)))
    return found[0], found[1] if len(found) > 1 else None


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if _columns_of(path) else []
    if not path.is_dir():
        return []
    files = []
    with os.scandir(path) as inside:
        for one in inside:
            if is_image(one.name) or (one.is_dir() and not one.name.startswith(("_", ".", "@"))):
                return []
            files.append(path / one.name)
    return [file for file in sorted(files) if file.is_file() and _columns_of(file)]


def _columns_of(file: Path, label_column: str | None = None) -> Columns | None:
    """Where the pixels are, told by the first two rows; None where it is no table of pixels."""
    if not file.name.lower().endswith(SUFFIXES):
        return None
    try:
        with _open(file) as text:
            first, second = (_cells(text.readline(LONGEST)) for _ in range(2))
    except (UnicodeDecodeError, csv.Error, *DAMAGE):
        return None
    has_names = _are_names(first, second)
    row = second if has_names else first
    header = [name.strip().lower() for name in first] if has_names else []
    long = [place for place, cell in enumerate(row) if cell.count(" ") >= FEWEST - 1]
    if len(long) == 1 and header:
        return Columns(long, _label_of(header, long, label_column, file), _named(header, USAGE), True, first)
    numbers = [place for place, cell in enumerate(row) if _is_number(cell)]
    if len(numbers) < FEWEST:
        return None
    if not header:
        words = [place for place in range(len(row)) if place not in set(numbers)]
        return Columns(numbers, words[0] if words else None)
    pixels = [place for place in numbers if PIXEL.fullmatch(header[place])]
    label = _label_of(header, pixels, label_column, file)
    if len(pixels) < FEWEST:
        pixels = [place for place in numbers if place != label]
    return Columns(pixels, label, _named(header, USAGE), False, first, label in numbers)


def _are_names(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first row names the columns: words, as far as the second has numbers, or numbers that count."""
    words = [place for place, cell in enumerate(first) if not _is_number(cell)]
    if any(place >= len(second) or _is_number(second[place]) for place in words) or len(words) > len(first) / 2:
        return True
    inside = [float(cell) for cell in first[1:-1] if _is_number(cell)]
    return len(inside) > 1 and all(after == before + 1 for before, after in pairwise(inside))


def _label_of(header: Sequence[str], pixels: Sequence[int], asked: str | None, file: Path) -> int | None:
    if asked is not None:
        if asked.lower() not in header:
            others = [name for place, name in enumerate(header) if place not in set(pixels)]
            raise InputError(f"'{file}' has no column '{asked}': {suggestion(asked.lower(), others or header)}")
        return header.index(asked.lower())
    return next((place for name in LABELS for place, own in enumerate(header) if own == name), None)


def _named(header: Sequence[str], name: str) -> int | None:
    return header.index(name) if name in header else None


def _rows(file: Path, label_column: str | None) -> Rows:
    columns = _columns_of(file, label_column)
    assert columns is not None
    try:
        rows = _one_column(file, columns) if columns.one else _of_columns(file, columns)
    except (UnicodeDecodeError, csv.Error, *DAMAGE) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"it cannot be read as a table of pixels ({shown(str(error).rstrip('.'))}): complete that row, or "
            "leave it out"
        ) from None
    count = rows.pixels.shape[1]
    if count == 3 * _side(count) ** 2:
        form = f"-1, 3, {_side(count)}, {_side(count)}"
        raise InputError(
            f"its rows have {count:,} pixels, RGB images of {_side(count)}x{_side(count)}? Write them as an array: "
            f"np.savez('images.npz', images=pixels.reshape({form}).transpose(0, 2, 3, 1), labels=labels) where a "
            f"color follows the other (as in CIFAR), else reshape({form[:2]}, {_side(count)}, {_side(count)}, 3)"
        )
    if isqrt(count) ** 2 != count:
        raise InputError(
            f"its rows have {count:,} pixels, which are no square image: write them as an array, as by "
            "np.savez('images.npz', images=pixels.reshape(-1, HEIGHT, WIDTH), labels=labels)"
        )
    if columns.header:
        _tell(file, columns)
    elif columns.label is not None:
        note(f"'{file}': labels from column {columns.label + 1}, the only one of words")
    return rows


def _tell(file: Path, columns: Columns) -> None:
    taken = {*columns.pixels, columns.label, columns.usage}
    others = [f"'{shown(name)}'" for place, name in enumerate(columns.header) if place not in taken]
    if columns.label is not None:
        note(f"'{file}': labels from the column '{shown(columns.header[columns.label])}'")
    if others:
        ask = "; pass --label-column NAME where one holds labels" if columns.label is None else ""
        note(f"'{file}': columns that are not read: {', '.join(others[:5])}{', …' if len(others) > 5 else ''}{ask}")


def _of_columns(file: Path, columns: Columns) -> Rows:
    """A table with a column for each pixel; without names the label is the one column too many."""
    skipped, delimiter = int(bool(columns.header)), _delimiter(file)

    def read(places: Sequence[int], kind: Any) -> NDArray[Any]:
        with _open(file) as text:
            return np.loadtxt(
                text, kind, delimiter=delimiter, skiprows=skipped, usecols=places, ndmin=2, comments=None, quotechar='"'
            )

    pixels, labels = _read(columns, read)
    if labels is None and _side(pixels.shape[1] - 1):
        place = _labels_place(pixels)
        labels = pixels[:, place].astype(np.float64)
        pixels = pixels[:, 1:] if place == 0 else pixels[:, :-1]
        note(f"'{file}': labels from the {'first' if place == 0 else 'last'} column")
    usage = None if columns.usage is None else read([columns.usage], np.str_)[:, 0]
    return Rows(pixels, _numbers(labels), _testing(usage, len(pixels)))


def _side(pixels: int) -> int:
    """The height of square images, gray or RGB, of so many values; 0 where there are none."""
    return next((isqrt(count) for count in (pixels, pixels // 3) if isqrt(count) ** 2 in (pixels, pixels / 3)), 0)


def _labels_place(table: NDArray[Any]) -> int:
    """Whether the first or the last column has the labels: the one of fewer values, but more than one."""
    first, last = (len(np.unique(table[:, place])) for place in (0, -1))
    return -1 if first == 1 < last or 1 < last < first else 0


def _read(
    columns: Columns, read: Callable[[Sequence[int], Any], NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The pixels and the labels of a table; at once where all are numbers, as reading it twice takes twice as long."""
    if columns.label is not None and columns.numbered:
        with suppress(ValueError):  # words among them
            table = read([*columns.pixels, columns.label], np.float32)
            return _compact(table[:, :-1]), table[:, -1].astype(np.float64)
    pixels = _compact(read(columns.pixels, np.float32))
    return pixels, None if columns.label is None else read([columns.label], np.str_)[:, 0]


def _one_column(file: Path, columns: Columns) -> Rows:
    """A table with all pixels of an image in one column, with spaces between, as FER2013 has them."""
    pixels: list[NDArray[np.float32]] = []
    labels: list[str] = []
    usage: list[str] = []
    with _open(file) as text:
        reader = csv.reader(text, delimiter=_delimiter(file))
        next(reader)
        for number, row in enumerate(filter(None, reader), 2):
            values = np.array(row[columns.pixels[0]].split(), np.float32)
            if pixels and len(values) != len(pixels[0]):
                raise InputError(
                    f"row {number} has {len(values):,} pixels, those before {len(pixels[0]):,}: complete it"
                )
            pixels.append(values)
            labels.append("" if columns.label is None else row[columns.label])
            usage.append("" if columns.usage is None else row[columns.usage])
    known = None if columns.label is None else np.array(labels)
    return Rows(_compact(np.stack(pixels)), _numbers(known), _testing(np.array(usage), len(pixels)))


def _testing(usage: NDArray[np.str_] | None, count: int) -> NDArray[np.bool_]:
    return np.zeros(count, np.bool_) if usage is None else np.isin(np.char.lower(usage), TESTING)


def _numbers(labels: NDArray[Any] | None) -> NDArray[Any] | None:
    """Labels as numbers where all are."""
    if labels is None or labels.dtype.kind == "f":
        return labels
    try:
        return labels.astype(np.float64)
    except ValueError:
        return np.char.strip(labels)


def _compact(values: NDArray[np.float32]) -> NDArray[Any]:
    """Whole numbers as such, in bytes where they fit."""
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        return values
    low, high = values.min(), values.max()
    return values.astype(np.uint8 if low >= 0 and high <= 255 else np.int32)


def _open(file: Path) -> TextIO:
    if file.name.lower().endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _delimiter(file: Path) -> str:
    with _open(file) as text:
        line = text.readline(LONGEST)
    return max(",;\t", key=line.count)


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], delimiter=max(",;\t", key=line.count)), [])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
