"""What a run of the articles' systems is: every choice that it is made by, checked before anything is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from elmyr.core import machine
from elmyr.core.amounts import Amount, image_count
from elmyr.core.errors import InputError, suggestion
from elmyr.core.thread_counts import AUTO, Threads
from elmyr.engine.config import DataConfig
from elmyr.engine.saving.migration import FORMAT
from elmyr.engine.saving.places import ARTICLES_KIND
from elmyr.evaluation import FEWEST_FOR_FIGURES, common_count
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, open_source, source_of, split_source
from elmyr.studies.articles.systems import COLOR_FORM, EFFORTS, SIZES, SYSTEMS, Effort, Side, System
from elmyr.studies.articles.trainings import Training, trainings_of
from elmyr.studies.plan import shared_out


class ArticlesConfig(BaseModel):
    """All choices; `config.json`. What goes on from it later does so by these."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = Field(FORMAT, description="of the file, by which a later elmyr reads it")
    kind: Literal["articles"] = ARTICLES_KIND
    data: DataConfig | None = Field(description="the gray images, where a system takes them")
    color: DataConfig | None = Field(description="the color images, where a system takes them")
    numbers: tuple[int, ...] = Field(description="of the articles")
    effort: Effort
    images: int | None = Field(description="seen in every training, in the place of the effort's")
    remedies: bool
    seed: int = Field(ge=0)
    device: str
    precision: Literal["bf16", "fp32"]
    processes: int = Field(1, ge=1, description="how many work at once")
    threads: int = Field(ge=1, description="of each process: sums depend on it in their last bits")

    @property
    def name(self) -> str:
        """What its directory is named after."""
        return "-".join(each.name for each in (self.data, self.color) if each is not None)

    @property
    def systems(self) -> tuple[System, ...]:
        """The systems of these articles."""
        return tuple(SYSTEMS[number] for number in self.numbers)

    def of(self, side: Side) -> DataConfig:
        """One of the image sets; it is there where a system takes it."""
        found = self.data if side == "gray" else self.color
        assert found is not None
        return found

    def trainings(self, system: System) -> tuple[Training, ...]:
        """Those of a system."""
        return trainings_of(system, remedies=self.remedies)

    def budget(self, system: System, training: Training) -> int:
        """Of a training, in images seen."""
        return self.images or training.images(system, self.effort, self.of(system.side).images)


@dataclass(frozen=True)
class ArticlesAsk:
    """What may be asked of the articles' systems; see `articles`, which has the same by name."""

    data: Data = "mnist"
    color: Data = "cifar10"
    only: Sequence[int] | None = None
    effort: str = "quick"
    images: Amount | None = None
    remedies: bool = False
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    data_root: str | os.PathLike[str] | None = None
    shaping: Shaping = AS_IT_IS
    processes: int = 1
    threads: Threads = AUTO

    def __post_init__(self) -> None:
        if self.effort not in EFFORTS:
            raise InputError(f"no effort '{self.effort}': {suggestion(self.effort, EFFORTS)}")
        if self.processes < 0:
            raise InputError(f"--processes is {self.processes}: at least 1, or 0 for as many as there are cores")
        if self.shaping.for_training():
            raise InputError(
                "the articles' systems learn from the whole training part: ask for no data-scarcity scenario"
            )

    @property
    def numbers(self) -> tuple[int, ...]:
        """The articles, in their order."""
        asked = range(len(SYSTEMS)) if self.only is None else self.only
        strange = next((number for number in asked if number not in range(len(SYSTEMS))), None)
        if strange is not None or not asked:
            told = "empty" if strange is None else strange
            raise InputError(f"--only is {told}: the articles are 0 to {len(SYSTEMS) - 1}, as in --only 0,3")
        return tuple(sorted(set(asked)))


def make_articles_config(ask: ArticlesAsk, say: Callable[[str], None] = lambda line: None) -> ArticlesConfig:
    """The config of what is asked for; InputError for whatever cannot be done. Writes nothing."""
    numbers, images = ask.numbers, image_count(ask.images)
    effort = next(each for each in EFFORTS if each == ask.effort)
    device = machine.choose_device(ask.device)
    precision = machine.choose_precision(ask.precision, device)
    sides = {SYSTEMS[number].side for number in numbers}
    _refuse_unused(ask, sides)
    asked: dict[Side, tuple[Data, Shaping]] = {"gray": (ask.data, ask.shaping), "color": (ask.color, COLOR_FORM)}
    data = {side: _checked(*of_side, side, ask) for side, of_side in asked.items() if side in sides}
    processes, threads = shared_out(ask.processes, str(device), 2 * len(numbers), ask.threads)
    return ArticlesConfig(
        data=data.get("gray"),
        color=data.get("color"),
        numbers=numbers,
        effort=effort,
        images=images,
        remedies=ask.remedies,
        seed=ask.seed,
        device=str(device),
        precision="bf16" if precision == "bf16" else "fp32",
        processes=processes,
        threads=threads,
    )


def _refuse_unused(ask: ArticlesAsk, sides: Collection[Side]) -> None:
    """InputError where images, or their form, are given that no system which is asked for takes."""
    default = ArticlesAsk()
    given: dict[Side, tuple[str, bool]] = {
        "gray": ("DATA and its form", not _same(ask.data, default.data) or ask.shaping != default.shaping),
        "color": ("--color", not _same(ask.color, default.color)),
    }
    for side, (words, is_given) in given.items():
        if is_given and side not in sides:
            taking = ", ".join(str(system.number) for system in SYSTEMS if system.side == side)
            raise InputError(
                f"the articles asked for take no {side} images: leave out {words}, or ask for another article: {taking}"
            )


def _same(data: Data, name: Data) -> bool:
    return isinstance(data, str) and data == name  # arrays compare element by element


def _checked(given: Data, shaping: Shaping, side: Side, ask: ArticlesAsk) -> DataConfig:
    """The image set of one side; InputError unless every system of the side can learn from it and be judged on it."""
    name = source_of(given, None, shaping)
    source = open_source(name, ask.data_root, shaping)
    splits = split_source(source, ask.seed, source.shaping)
    _refuse_other_form(splits.train, side)
    if len(np.unique(splits.train.require_labels())) < 2:
        raise InputError(f"'{source.name}' has one class, and generated images are read as one of several: add more")
    _refuse_few(splits)
    return DataConfig.of(name, splits.train, data_root=ask.data_root, shaping=source.shaping, seed=ask.seed)


def _refuse_other_form(images: ImageSet, side: Side) -> None:
    height, width, channels = SIZES[side]
    if images.images.shape[1:] == (height, width, channels):
        return
    options = [f"--size {height}"] if (images.height, images.width) != (height, width) else []
    options += [f"--channels {channels}"] if images.channels != channels else []
    raise InputError(
        f"'{images.name}' is {images.height}x{images.width} {'gray' if images.channels == 1 else 'RGB'}, and the "
        f"articles' systems take {height}x{width} {side}: pass {' '.join(options)}"
    )


def _refuse_few(splits: Splits) -> None:
    count = common_count(splits)
    if count < FEWEST_FOR_FIGURES:
        raise InputError(
            f"'{splits.train.name}' has {count} images to judge by, at least {FEWEST_FOR_FIGURES} are needed: add more"
        )
