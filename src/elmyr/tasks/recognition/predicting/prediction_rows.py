"""Predictions as people and programs read them: CSV, JSON lines, a table; each written as the predictions come."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich.cells import cell_len

from elmyr.core.errors import InputError
from elmyr.core.files import require_place
from elmyr.tasks.recognition.predicting.predictions import Prediction

DIGITS = 6  # of a probability in JSON
WIDEST = 60  # signs of a name in a table
UNSURE, UNREADABLE = "unsure", "error"
COLUMNS = ("file", "class", "probability", "error")


class Rows(ABC):
    """A file that gets a row a prediction. top: so many classes, the most likely first; all, in their order, with 0."""

    def __init__(self, file: TextIO, classes: Sequence[str], top: int = 0) -> None:
        self.file, self.classes, self.top = file, classes, top

    @abstractmethod
    def add(self, prediction: Prediction) -> None:
        """Writes the row of a prediction."""

    def shares(self, prediction: Prediction) -> list[tuple[str, float]]:
        """The classes that are told of, with their probabilities."""
        shares = list(prediction.probabilities.items())
        return sorted(shares, key=lambda share: -share[1])[: self.top] if self.top else shares


class CsvRows(Rows):
    """CSV: file, class, probability, error; then the probability of each class, or with `top` the classes in turn."""

    def __init__(self, file: TextIO, classes: Sequence[str], top: int = 0) -> None:
        super().__init__(file, classes, top)
        self._writer = csv.writer(file, lineterminator="\n")
        turns = range(1, min(top, len(classes)) + 1)
        more = [f"{what} {turn}" for turn in turns for what in ("class", "probability")]
        self._writer.writerow([*COLUMNS, *(more if top else map(_as_column, classes))])

    def add(self, prediction: Prediction) -> None:
        """A row; empty cells where there is nothing to say."""
        shares = self.shares(prediction)
        told = [[name, f"{share:.4f}"] if self.top else [f"{share:.4f}"] for name, share in shares]
        probability = "" if prediction.probability is None else f"{prediction.probability:.4f}"
        first = [as_text(prediction.file), prediction.class_name or "", probability, as_text(prediction.error or "")]
        missing = [""] * (0 if shares else (2 * min(self.top, len(self.classes)) or len(self.classes)))
        self._writer.writerow([*first, *(cell for cells in told for cell in cells), *missing])


class JsonRows(Rows):
    """JSON lines: an object an image, with null where there is nothing to say."""

    def add(self, prediction: Prediction) -> None:
        """A line."""
        probability = prediction.probability
        told: dict[str, Any] = {
            "file": as_text(prediction.file),
            "class": prediction.class_name,
            "probability": None if probability is None else round(probability, DIGITS),
            "probabilities": {name: round(share, DIGITS) for name, share in self.shares(prediction)},
            "error": prediction.error if prediction.error is None else as_text(prediction.error),
        }
        self.file.write(json.dumps(told, ensure_ascii=False) + "\n")


class TableRows(Rows):
    """Aligned columns for a terminal: file, class, probability, or why it could not be read."""

    def __init__(self, file: TextIO, classes: Sequence[str], top: int = 0, *, names: Sequence[str]) -> None:
        super().__init__(file, classes, top)
        self._width = min(WIDEST, max(len("file"), *(cell_len(_printed(name)) for name in names)))
        self._classes = max(len(UNSURE), *(cell_len(_printed(name)) for name in classes))
        self._line(["file", "class", "probability"])

    def add(self, prediction: Prediction) -> None:
        """A line."""
        name = _printed(prediction.file)
        if prediction.error is not None:
            self._line([name, UNREADABLE, prediction.error])
            return
        others = [f"{each} {share:.1%}" for each, share in self.shares(prediction)[1:]] if self.top else []
        self._line([name, prediction.class_name or UNSURE, "  ".join([f"{prediction.probability:.1%}", *others])])

    def _line(self, cells: Sequence[str]) -> None:
        name, read, told = cells
        read = _printed(read)
        gaps = [" " * (width - cell_len(cell)) for cell, width in ((name, self._width), (read, self._classes))]
        self.file.write(f"{name}{gaps[0]}  {read}{gaps[1]}  {told}\n")


ROWS: dict[str, type[Rows]] = {".csv": CsvRows, ".jsonl": JsonRows}  # by the suffix of a file


@dataclass
class Tally:
    """How many images there were, of how many nothing could be read, and how many were left without a class."""

    images: int = 0
    unreadable: int = 0
    unsure: int = 0

    def told(self) -> str:
        """In one line."""
        left = f", {self.unsure:,} unsure" if self.unsure else ""
        failed = f", {self.unreadable:,} could not be read" if self.unreadable else ""
        return f"{self.images:,} image{'s' * (self.images != 1)}{failed}{left}"


def write_predictions(predictions: Iterable[Prediction], sinks: Sequence[Rows]) -> Tally:
    """Writes each prediction as it comes, and counts."""
    tally = Tally()
    for prediction in predictions:
        for rows in sinks:
            rows.add(prediction)
        tally.images += 1
        tally.unreadable += prediction.error is not None
        tally.unsure += prediction.error is None and prediction.class_name is None
    return tally


def require_rows(out: Path | None, *, bom: bool) -> None:
    """InputError, before work starts, for a place where no rows can be written; None is standard output."""
    suffix = "" if out is None else out.suffix.lower()
    if bom and suffix != ".csv":
        raise InputError("--bom is for a table in a file: add --out FILE.csv, or leave it out")
    if out is None:
        return
    if suffix not in ROWS:
        raise InputError(f"cannot write predictions as '{out}': give it the suffix {' or '.join(ROWS)}")
    require_place(out, suffix, "predictions")


def as_text(name: str) -> str:
    """A name as it can be written: bytes of a path that are no UTF-8 become `\\xff` and the like."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _printed(name: str) -> str:
    """On one line."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in as_text(name))


def _as_column(name: str) -> str:
    return f"class {name}" if name in COLUMNS else name
