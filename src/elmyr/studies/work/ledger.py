"""What a study has found so far: a line an arm and seed in `results.jsonl`, and beside it what each read.

A result is written once and whole: what was read first, then the line that says so. What a kill leaves in between is
written again. Lines hold nothing that another run of the same study would not find; times are kept apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.files import make_folder, read_lines, replacing, write_text

Place = tuple[str, int, str]  # cell, seed, arm


@dataclass(frozen=True)
class Result:
    """What an arm gave with one seed. read: the label read in each test image, int64 (N,)."""

    cell: str
    seed: int
    arm: str
    share: float
    validation_by_share: dict[str, float]
    validation: float
    test: dict[str, float]
    read: NDArray[np.int64] = field(repr=False, compare=False)

    @property
    def place(self) -> Place:
        """Where in the study it stands."""
        return self.cell, self.seed, self.arm


def file_name(place: Place) -> str:
    """What a training's files are called, without a suffix."""
    cell, seed, arm = (str(part).replace(" ", "-").replace("+", "and").replace("%", "percent") for part in place)
    return f"{cell}-seed-{seed}-{arm}"


class Lines:
    """Lines of JSON in a file, each of a place of its own, in the order in which they came.

    place: the names of what tells, in a line, where it stands. What a kill cut off is passed over.
    """

    def __init__(self, path: Path, place: Sequence[str]) -> None:
        self.path, self.place = path, tuple(place)

    def found(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """All lines by their places; KeyError for one that tells none."""
        lines = read_lines(self.path) if self.path.exists() else []
        return {tuple(line[name] for name in self.place): line for line in lines}

    def add(self, line: Mapping[str, Any]) -> None:
        """A line at the end, on the disk before the call ends; what a kill cut off stays a line of its own."""
        with self.path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def settle(self, order: Iterable[tuple[Any, ...]]) -> None:
        """Puts the lines into this order, whichever they came in."""
        lines = self.found()
        text = "".join(json.dumps(lines[place]) + "\n" for place in order)
        if text != self.path.read_text(encoding="utf-8"):
            write_text(self.path, text)


class Ledger:
    """The results and times of a study's directory."""

    def __init__(self, study: Path) -> None:
        self.lines = Lines(study / "results.jsonl", ("cell", "seed", "arm"))
        self.times = Lines(study / "times.jsonl", ("cell", "seed", "what"))
        self.readings = study / "readings"

    def results(self) -> dict[Place, Result]:
        """All that is known, by its place; a line that a kill cut off is passed over."""
        try:
            lines = self.lines.found().values()
            results = [Result(**line, read=self._reading((line["cell"], line["seed"], line["arm"]))) for line in lines]
        except (KeyError, TypeError, OSError, ValueError) as error:
            raise InputError(
                f"'{self.lines.path}' does not fit '{self.readings}' ({error}): restore both, or start again"
            ) from None
        return {result.place: result for result in results}

    def add(self, result: Result) -> None:
        """Writes a result down, for good."""
        make_folder(self.readings)
        with replacing(self._file(result.place)) as beside, beside.open("wb") as file:
            np.savez_compressed(file, read=result.read.astype(np.int32))
        self.lines.add({name: value for name, value in asdict(result).items() if name != "read"})

    def settle(self, order: Iterable[Place]) -> None:
        """Puts the lines into this order, whichever they were found in."""
        self.lines.settle(order)

    def add_time(self, cell: str, seed: int, what: str, seconds: float) -> None:
        """Writes down how long an arm, or the GAN, took."""
        self.times.add({"cell": cell, "seed": seed, "what": what, "seconds": round(seconds, 1)})

    def seconds(self) -> dict[Place, float]:
        """How long each arm, and each GAN, took."""
        return {(cell, seed, what): float(line["seconds"]) for (cell, seed, what), line in self.times.found().items()}

    def _file(self, place: Place) -> Path:
        return self.readings / f"{file_name(place)}.npz"

    def _reading(self, place: Place) -> NDArray[np.int64]:
        with np.load(self._file(place), allow_pickle=False) as content:
            read: NDArray[np.int64] = content["read"].astype(np.int64)
            return read
