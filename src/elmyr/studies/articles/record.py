"""What a run of the articles' systems found: `articles.json`, as its page and programs read it. Paths are relative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from elmyr.studies.articles.systems import Effort, Side
from elmyr.studies.articles.trainings import CURED, WRITTEN, Kind

FILE = "articles.json"
FEWEST_SHARE = 0.1  # of what an even share would be, from which a class counts as found


class Record(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRecord(Record):
    """An image set."""

    name: str
    training: int
    test: int
    height: int
    width: int
    channels: int
    classes: tuple[str, ...]


class TrainingRecord(Record):
    """One training, and what became of it.

    settings: those over the preset's. evaluation: as `elmyr evaluate --json` gives it. classes_found: how many of some
    samples a recognizer of real images reads as each class. `troubles`: the problems that the training monitor told;
    collapse: what it says of the end, in a sentence. diverged: what ended it before its budget, after `images`: it has
    no generator, thus neither evaluation nor picture. picture: some samples; course: the previews, one row each.
    """

    name: str
    kind: Kind
    run: str
    preset: str
    settings: dict[str, Any]
    images: int
    epochs: float
    seconds: float
    diverged: str | None = None
    evaluation: dict[str, Any] | None = None
    classes_found: tuple[int, ...] = ()
    troubles: tuple[dict[str, Any], ...] = ()
    collapse: str | None = None
    picture: str | None = None
    course: str | None = None

    def figure(self, name: str) -> float | None:
        """A figure of the evaluation; None where it was not taken."""
        figures = self.evaluation["figures"] if self.evaluation else ()
        return next((float(one["value"]) for one in figures if one["name"] == name), None)

    @property
    def classes_shown(self) -> int:
        """How many classes are found in a number worth speaking of."""
        return classes_shown(self.classes_found)


class RecognitionRecord(Record):
    """A recognizer that learned from real images, generated ones or both, and its accuracy with a 95 % interval."""

    trained_on: Literal["real", "written", "cured", "generated"]
    real: int
    generated: int
    accuracy: float
    low: float
    high: float


class RepairRecord(Record):
    """Test images with a hidden middle, repaired by inversion of the cured GAN; decibels."""

    picture: str
    psnr_damaged: float
    psnr_repaired: float


class UsesRecord(Record):
    """What a system's GANs are good for, each measured once: no verdict."""

    recognition: tuple[RecognitionRecord, ...]
    repair: RepairRecord
    walk: str


class SystemRecord(Record):
    """One article's system."""

    number: int
    title: str
    preset: str
    cured_preset: str
    data: Side
    put_right: tuple[str, ...]
    troubles: tuple[str, ...]
    trainings: tuple[TrainingRecord, ...]
    uses: UsesRecord | None  # none without both GANs

    @property
    def written(self) -> TrainingRecord:
        """The training as written."""
        return next(each for each in self.trainings if each.kind == WRITTEN)

    @property
    def cured(self) -> TrainingRecord:
        """The cured training."""
        return next(each for each in self.trainings if each.kind == CURED)


class ArticlesRecord(Record):
    """The whole file."""

    format: Literal[1] = 1
    command: str
    effort: Effort
    seed: int
    machine: dict[str, Any]
    data: DataRecord | None
    color: DataRecord | None
    seconds: float
    systems: tuple[SystemRecord, ...]


def classes_shown(counts: Sequence[int]) -> int:
    """How many classes have at least a tenth of an even share of the samples."""
    least = FEWEST_SHARE * sum(counts) / max(len(counts), 1)
    return sum(count > 0 and count >= least for count in counts)
