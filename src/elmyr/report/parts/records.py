"""What a report reads: the records that runs and studies leave in their folders."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from elmyr.core.errors import InputError
from elmyr.core.files import read_json, read_lines
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.figure_spec import Better
from elmyr.evaluation.figure_specs import titled
from elmyr.evaluation.people.answers import Results, results_of
from elmyr.evaluation.people.survey import identity_of, read_answers
from elmyr.report.parts.numbers import is_finite

Values = list[float | None]
Interval = tuple[float, float, float]  # value, low, high


class Record(BaseModel):
    """A part of a JSON file; keys that the report does not show are passed over."""

    model_config = ConfigDict(frozen=True)


R = TypeVar("R", bound=Record)


class Figure(Record):
    """One metric of the generated images, beside the same metric of real ones."""

    name: str
    title: str = ""
    value: float | None
    low: float | None = None
    high: float | None = None
    spread: str | None = None
    yardstick: float | None = None
    better: Better | None = None
    deviation: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _titled(cls, found: Any) -> Any:
        return titled(found) if isinstance(found, dict) else found


class Extractor(Record):
    """The feature extractor that the figures were computed with."""

    name: str
    dimension: int | None = None
    sha256: str | None = None
    seed: int | None = None
    width: int | None = None
    precision: str | None = None


class ClassRow(Record):
    """The figures of one class."""

    name: str
    count: int | None = None
    frechet_distance: Interval | None = None
    label_accuracy: Interval | None = None


class CopyFigure(Record):
    """One figure of copying, beside the same of real images that no network has seen."""

    name: str
    title: str = ""
    value: float | None
    low: float | None = None
    high: float | None = None
    yardstick: float | None = None


class AlteredCopies(Record):
    """Whether they are copies that were moved, turned, mirrored, recolored or cut."""

    verdict: Literal["no evidence", "suspected", "certain"]
    count: int
    share: float
    expected: float
    doubles: int
    yardstick: float


class Copies(Record):
    """Whether the generated images are copies of training images; unaltered: as they are."""

    verdict: Literal["no evidence", "suspected", "certain"]
    unaltered: Literal["no evidence", "suspected", "certain"] | None = None
    altered: AlteredCopies | None = None
    count: int
    training: int
    held_out: int
    doubles: int
    doubled: int | None = None
    expected: float
    figures: list[CopyFigure] = []


class FeatureMap(Record):
    """Where images lie on the plane of the first two principal components."""

    real: list[tuple[float, float]]
    generated: list[tuple[float, float]]
    shares: tuple[float, float]


@dataclass(frozen=True)
class People:
    """What people answered, or why their answers are not used: where they are about another training."""

    results: list[Results]
    trouble: str | None = None


class Statistics(Record):
    """The precomputed statistics that stand for the real images."""

    file: str
    count: int | None = None


class Convention(Record):
    """By whose conventions figures were taken."""

    name: str


class Evaluation(Record):
    """How good the generated images are."""

    data: str | None = None
    split_seed: int | None = None
    against: str | None = None
    count: int | None = None
    sampling_seeds: list[int] = []
    extractor: Extractor | None = None
    figures: list[Figure] = []
    classes: list[ClassRow] = []
    copies: Copies | None = None
    map: FeatureMap | None = None
    statistics: Statistics | None = None
    convention: Convention | None = None


class Mistake(Record):
    """An image that was read wrong: its label, what was read, and with which probability."""

    label: str
    predicted: str
    probability: float


class Withstood(Record):
    """The share of attacked images that were classified correctly, by one that is trained to withstand that."""

    attack: str = ""
    images: int
    accuracy: float | None = None
    interval: tuple[float, float] | None = None


class Reading(Record):
    """How well a recognizer reads; recalls, counts and intervals in the order of the classes."""

    data: str = ""
    part: str = "test"
    count: int
    unbalanced: bool = False
    accuracy: float
    interval: tuple[float, float] | None = None
    balanced_accuracy: float | None = None
    balanced_interval: tuple[float, float] | None = None
    classes: list[str]
    confusion: list[list[int]]
    recalls: Values
    recall_intervals: list[tuple[float, float] | None] = []
    mistaken: list[Mistake] = []
    robust: Withstood | None = None

    @property
    def counts(self) -> list[int]:
        """The images of each class."""
        return [sum(row) for row in self.confusion]

    def ends(self, place: int) -> tuple[float, float] | None:
        """The interval of a class's recall."""
        return self.recall_intervals[place] if place < len(self.recall_intervals) else None


def read_evaluations(folder: Path) -> dict[Path, Evaluation]:
    """The evaluations of a run by their files, the usual one first; InputError if one is damaged."""
    return {path: validated(Evaluation, path) for path in RunDirectory(folder).evaluations}


def read_reading(path: Path) -> Reading | None:
    """A recognizer's `evaluation.json`; None if there is none, InputError if it is damaged."""
    return validated(Reading, path) if path.exists() else None


def read_people(folder: Path) -> People:
    """What people answered about a run."""
    run = RunDirectory(folder)
    if not run.survey.exists():
        return People([])
    try:
        return People(results_of(read_answers(run.survey, identity_of(run))))
    except InputError as error:
        return People([], str(error))


def read_table(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no such file, InputError if it is damaged."""
    if not path.exists():
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"'{path}' holds no JSON object: restore it, or make it again")
    return content


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The numbers of a `metrics.jsonl`, ordered by images seen, NaN where not finite; empty if there is none.

    A line that cannot be read is skipped: the last is cut where the process was killed.
    """
    if not path.exists():
        return []
    read = map(_numbers, read_lines(path))
    return sorted((line for line in read if is_finite(line.get("images"))), key=lambda line: line["images"])


def flattened(table: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, value) pairs."""
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            pairs += flattened(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value if isinstance(value, str) else _written(value)))
    return pairs


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def _numbers(line: dict[str, Any]) -> dict[str, float]:
    """NaN for a number that cannot be drawn: a gap in its curve, unlike a line that does not speak of it."""
    numbers = {key: value for key, value in line.items() if isinstance(value, int | float)}
    return {key: float(value) if is_finite(value) else math.nan for key, value in numbers.items()}


def validated(kind: type[R], path: Path) -> R:
    """A JSON file as a record; InputError, which says where, if it is damaged."""
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(
            f"'{path}' is damaged at {where} ({first['msg'].lower()}): restore it, or make it again"
        ) from None
