"""What a study is: its cells, arms and seeds, and every choice that it is made by."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from elmyr.core.errors import InputError
from elmyr.engine.config import validated
from elmyr.images import Shaping
from elmyr.metrics import FEWEST_SEEDS
from elmyr.studies.borrowed.borrowed_set import Borrowed
from elmyr.studies.looks import level_at

KIND: Literal["study"] = "study"
Measure = Literal["accuracy", "balanced accuracy", "robust accuracy"]
Effort = Literal["quick", "standard", "thorough"]
EFFORTS: tuple[Effort, ...] = ("quick", "standard", "thorough")  # each tries what the one before tries, and more
FAIR_SEEDS = 5  # of a verdict, unless something else is asked for


class Cell(BaseModel):
    """One trouble of the training part, and the arms that are held against each other in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shaping: Shaping = Field(description="the form of the images, and the trouble")
    arms: tuple[str, ...]
    figures: bool = Field(description="whether figures of the first seed's GAN are taken")
    measure: Measure = Field(description="what arms are judged by; every class counts the same in balanced accuracy")
    robust: float | None = Field(None, description="epsilon of the attacks that arms are judged under; None: none")

    @model_validator(mode="before")
    @classmethod
    def _measured(cls, content: Any) -> Any:
        """Studies from before it was written down are judged as then: by the imbalance that was asked for."""
        if not isinstance(content, dict) or "measure" in content or "shaping" not in content:
            return content
        asked = Shaping.model_validate(content["shaping"]).imbalance is not None
        return content | {"measure": "balanced accuracy" if asked else "accuracy"}

    @property
    def name(self) -> str:
        """The trouble in words, such as "10 images a class"."""
        shaping, words = self.shaping, []
        if shaping.images_per_class is not None:
            words.append(f"{shaping.images_per_class:,} images a class")
        if shaping.imbalance is not None:
            words.append(f"imbalance {shaping.imbalance:g}")
        if shaping.label_noise:
            words.append(f"{100 * shaping.label_noise:g} % wrong labels")
        if shaping.labels_per_class is not None:
            words.append(f"{shaping.labels_per_class:,} labels a class")
        return ", ".join(words) or "all images"

    @property
    def folder(self) -> str:
        """The trouble as a part of file names, such as "images-per-class-10"."""
        trouble = self.shaping.troubles()
        return "-".join(word.removeprefix("--") for word in trouble.as_words()) or "all"


def told_of_seeds(count: int) -> str | None:
    """One line about a study of too few seeds for a verdict; None where they are enough."""
    if count >= FEWEST_SEEDS:
        return None
    return f"one training each: the verdict will be 'not decided'; decide it with --seeds {FAIR_SEEDS}"


class StudyConfig(BaseModel):
    """All choices of one study; `config.json`. What goes on from it later does so by these."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["study"] = KIND
    source: str = Field(description="a known name, or an absolute path")
    name: str
    root: str | None = Field(None, description="the folder that holds named data sets")
    shaping: Shaping = Field(description="the form of the images, in every cell")
    digest: str = Field(description="sha256 of the training, validation and test images of the first seed")
    effort: Effort = Field("quick", description="how many arms are tried")
    left_out: dict[Effort, float] = Field({}, description="larger efforts that a budget had no room for: seconds")
    borrow: Borrowed | None = Field(None, description="the set of other classes that arms may learn from")
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    looks: tuple[int, ...] = Field((), description="the numbers of seeds after which it may end; none: after all")
    images: int = Field(description="images seen by each GAN")
    updates: int = Field(description="of each recognizer")
    preset: str
    settings: tuple[str, ...] = ()
    device: str
    precision: Literal["bf16", "fp32"]
    recognizers: int = Field(1, ge=1, description="trainings of the two best arms with each seed")
    allow_duplicates: bool = Field(False, description="whether test images may be training images, too")
    retrain: bool = Field(
        False, description="whether the best recognizer learns from the validation part, too, in the end"
    )
    processes: int = Field(1, ge=1, description="how many work at once")
    threads: int = Field(ge=1, description="of each process: sums depend on it in their last bits")

    @property
    def robust(self) -> float | None:
        """Epsilon of the attacks that it is judged under, in every cell; None where it is not."""
        return self.cells[0].robust

    @property
    def level(self) -> float:
        """Of its intervals with the seeds that it has: higher than 0.95 where it looks more than once."""
        return level_at(self.looks, len(self.seeds))

    @property
    def most(self) -> int:
        """How many seeds there are at most."""
        return max(self.looks, default=len(self.seeds))

    def extended(self) -> StudyConfig | None:
        """The same with the seeds up to the next look; None after the last."""
        more = next((look for look in self.looks if look > len(self.seeds)), None)
        return None if more is None else self.model_copy(update={"seeds": _counted_from(self.seeds[0], more)})

    def up_to(self, seeds: int) -> StudyConfig:
        """The same with so many seeds at most, the last look among them; with fewer than the first look has, one."""
        looks = (*(look for look in self.looks if look < seeds), min(seeds, self.most))
        return self.model_copy(update={"seeds": self.seeds[:seeds], "looks": looks if len(looks) > 1 else ()})


def _counted_from(first: int, count: int) -> tuple[int, ...]:
    return tuple(range(first, first + count))


def troubles_of(
    shaping: Shaping,
    *,
    images_per_class: Sequence[int | None],
    imbalance: Sequence[float | None],
    label_noise: Sequence[float],
    labels_per_class: Sequence[int | None],
) -> list[Shaping]:
    """Every combination of the given values, each a trouble of its own; None (0 of label noise) is none of that kind.

    InputError for a value that no image set can have, or that is given twice.
    """
    values = {
        "images_per_class": images_per_class,
        "imbalance": imbalance,
        "label_noise": label_noise,
        "labels_per_class": labels_per_class,
    }
    for name, given in values.items():
        if not given or len(set(given)) < len(given):
            raise InputError(f"--{name.replace('_', '-')} has a value twice, or none: name each once")
    combined = [dict(zip(values, each, strict=True)) for each in product(*values.values())]
    return [validated(Shaping, "the trouble", **{**shaping.model_dump(), **trouble}) for trouble in combined]
