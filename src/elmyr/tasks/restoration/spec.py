"""Restorers, for the life of a run; and one trained from Python, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from elmyr.core.amounts import Amount
from elmyr.core.calls import checked
from elmyr.core.thread_counts import AUTO, Threads
from elmyr.engine.config import DataConfig, RunConfig, Settings
from elmyr.engine.data import ResidentData
from elmyr.engine.loop import Outcome
from elmyr.engine.processes import Processes
from elmyr.engine.run import train
from elmyr.engine.saving.places import Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.engine.spec import Asked, Finished, Plan, RunOptions, Say, TaskSpec, hush
from elmyr.images import AS_IT_IS, Data, Shaping, Splits, open_source, source_of, split_source
from elmyr.tasks.restoration.config import RestorerChoices
from elmyr.tasks.restoration.damage import ANY
from elmyr.tasks.restoration.restorer import Restorer

KIND: Literal["restorer"] = "restorer"


class RestorerConfig(RunConfig):
    """All choices of a restorer's run."""

    kind: Literal["restorer"] = KIND
    data: DataConfig
    corruption: str = Field(description="the damage that it learns to undo")
    choices: RestorerChoices

    @property
    def restorer(self) -> Restorer:
        """The restorer, not trained yet."""
        return Restorer(
            corruption=self.corruption,
            images=self.loop.images,
            settings=self.choices.model_dump(),
            seed=self.seed,
            device=self.device,
            precision=self.precision,
        )


@dataclass(frozen=True)
class RestorerAsk:
    """What may be asked of a restorer's training. corruption: the damage that it learns to undo."""

    data: Data
    labels: Any = None
    corruption: str = ANY
    asked: Asked = field(default_factory=Asked)


class RestorerTraining:
    """A restorer's training, and the model at its end."""

    watcher = None

    def __init__(self, config: RestorerConfig, splits: Splits, processes: Processes) -> None:
        self.config, self.restorer, self.images = config, config.restorer, splits.train
        self.task = self.restorer.task(self.images, processes)
        self.data = ResidentData(self.images, seed=config.seed, device=self.task.device)

    def finish(self, run: RunDirectory, outcome: Outcome) -> Finished:
        """Writes the model."""
        self.restorer.learned(self.task, self.images, outcome.seconds).save(run.model)
        return Finished({"corruption": self.config.corruption}, how=f"for the damage '{self.config.corruption}'")


class RestorerSpec(TaskSpec[RestorerAsk, RestorerConfig, Splits]):
    """Trains a U-Net to undo damage."""

    kind = KIND
    title = "restorer"
    config = RestorerConfig

    def plan(self, ask: RestorerAsk) -> Plan[RestorerConfig, Splits]:
        """By the damage, the settings and the data."""
        asked = ask.asked
        restorer = Restorer(corruption=ask.corruption, images=asked.budget, settings=asked.parsed, seed=asked.seed)
        data, common = source_of(ask.data, ask.labels, asked.shaping), asked.common(KIND)
        source = open_source(data, asked.data_root, asked.shaping, choose_size=True)
        splits = split_source(source, asked.seed, source.shaping)
        config = RestorerConfig(
            **common,
            data=DataConfig.of(data, splits.train, data_root=asked.data_root, shaping=source.shaping, seed=asked.seed),
            loop=restorer.course(splits.train),
            corruption=ask.corruption,
            choices=restorer.choices,
        )
        config.restorer.task(splits.train)  # refuses what it cannot learn from
        return Plan(config, splits)

    def reopen(self, config: RestorerConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
        """The split."""
        return config.data.reopened(data_root)

    def open(self, run: Run, *, device: str = "auto", precision: str = "auto") -> Restorer:
        """The restorer."""
        return Restorer.load(run, device=device, precision=precision)

    def begin(self, config: RestorerConfig, inputs: Splits, processes: Processes, say: Say) -> RestorerTraining:
        """With random weights."""
        return RestorerTraining(config, inputs, processes)

    def following(self, run: RunDirectory) -> Sequence[str]:
        """Repaired images and figures."""
        return f"elmyr restorer apply {run.path} IMAGES --out repaired", f"elmyr restorer evaluate {run.path}"

    def networks(self, config: RestorerConfig) -> Mapping[str, Any]:
        """The choices that make them."""
        return config.choices.model_dump(include={"widths", "bottom", "noise", "discriminator_base"})

    def settings(self, config: RestorerConfig) -> Mapping[str, Any]:
        """Its choices."""
        return config.choices.model_dump(mode="json")


RESTORER = RestorerSpec()


@checked
def train_restorer(
    data: Data,
    labels: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    corruption: str = ANY,
    images: Amount | None = None,
    minutes: Amount | None = None,
    seed: int = 0,
    settings: Settings = (),
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    deterministic: bool = False,
    threads: Threads = AUTO,
    start_from: Run | None = None,
    keep_going: bool = False,
    track: str | None = None,
    quiet: bool = False,
    say: Say = hush,
) -> RunDirectory:
    """Trains a restorer on the training part of an image set and returns its finished run directory.

    data, the budget and all that follows `settings`: as `train` has them. corruption and settings: those of `Restorer`.
    Raises InputError before anything is written.
    """
    asked = Asked(
        images, minutes, seed, settings, device, precision, data_root, shaping, deterministic, start_from, threads
    )
    ask = RestorerAsk(data, labels, corruption, asked)
    return train(RESTORER, ask, RunOptions(out, keep_going, track, quiet, say))


def config_of(run: RunDirectory) -> RestorerConfig:
    """The config that a restorer's run directory holds; InputError if it is not whole."""
    return config_as(run, RestorerConfig)


def splits_of(config: RestorerConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split of a run, opened again; InputError where its training images are not the same any more."""
    return config.data.reopened(data_root)
