"""What the report of a study reads: its `study.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from elmyr.report.parts.records import Evaluation, Interval, Record, Values, validated


class Arm(Record):
    """One way to train the recognizer; a value a seed. recalls: a value a class. apart: from the best without a GAN."""

    name: str
    about: str = ""
    paper: str = ""
    uses_gan: bool = False
    validation: Values = Field(default_factory=list)
    test: Values = Field(default_factory=list)
    accuracy: Values = Field(default_factory=list)
    share: Values = Field(default_factory=list)
    recognizers: int = 1  # a seed, whose means are told
    seconds: Values = Field(default_factory=list)
    recalls: Values = Field(default_factory=list)
    recall_intervals: list[tuple[float, float] | None] = Field(default_factory=list)
    apart: Interval | None = None


class Verdict(Record):
    """What was found in a cell: the best arm with a GAN minus the best without, as shares of one."""

    outcome: Annotated[
        Literal["better", "worse", "no significant effect", "not decided"],
        BeforeValidator(lambda found: "no significant effect" if found == "no difference shown" else found),
    ]
    sentence: str
    difference: float
    low: float
    high: float
    best_with: str | None = None
    best_without: str | None = None
    seeds: int | None = None
    recognizers: int = 1
    images: int | None = None


class ChangedImage(Record):
    """A test image that two arms read apart: its label, and what was read."""

    label: int
    without: int
    with_gan: int


class Cell(Record):
    """One trouble of the training part."""

    name: str
    folder: str = "all"
    trouble: dict[str, float | None] = Field(default_factory=dict)
    measure: str = "accuracy"
    attack: str | None = None  # what arms are judged under
    counts: dict[str, int] = Field(default_factory=dict)
    folds: int | None = None
    tested: list[int] = Field(default_factory=list)
    arms: list[Arm]
    verdict: Verdict | None = None
    confusion: dict[str, list[list[int]]] = Field(default_factory=dict)
    changed: dict[str, list[ChangedImage]] = Field(default_factory=dict)
    evaluation: Evaluation | None = None
    gan_seconds: Values = Field(default_factory=list)
    gan_runs: list[str] = Field(default_factory=list)
    collapsed: list[int] = Field(default_factory=list)  # seeds whose GAN collapsed
    repair: str = ""  # the options to try then


class Best(Record):
    """The best recognizer of a study, and what it reads on the test part."""

    folder: str = "best"
    cell: str = ""
    compared: list[str] | None = None  # the cells that are judged alike, where not all are
    arm: str
    about: str = ""
    seed: int
    retrained: bool = False
    measure: str = "accuracy"
    test: float
    low: float
    high: float


class NextStep(Record):
    """What to do next: a sentence with places, and what fills them."""

    told: str
    values: dict[str, str | int] = Field(default_factory=dict)


class Study(Record):
    """A study's `study.json`."""

    name: str
    source: str | None = None
    classes: list[str] = Field(default_factory=list)
    seeds: list[int] = Field(default_factory=list)
    recognizer_updates: int | None = None
    images: int | None = None
    cells: list[Cell]
    environment: dict[str, Any] = Field(default_factory=dict)
    commands: list[str] = Field(default_factory=list)
    to_decide: str | None = None
    best: Best | None = None
    next: list[NextStep] = Field(default_factory=list)
    seconds: float | None = None


def read_study(path: Path) -> Study:
    """A `study.json`; InputError if it is damaged."""
    return validated(Study, path)
