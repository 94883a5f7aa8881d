"""Translators, for the life of a run; and one trained from Python, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from elmyr.core.amounts import Amount
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import sha256_of
from elmyr.core.thread_counts import AUTO, Threads
from elmyr.engine.config import DataConfig, RunConfig, Settings, require_there
from elmyr.engine.loop import Outcome
from elmyr.engine.processes import Processes
from elmyr.engine.run import train
from elmyr.engine.saving.places import Run, finished_model
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.engine.spec import Asked, Finished, Plan, RunOptions, Say, TaskSpec, hush
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, source_of
from elmyr.tasks.recognition import Recognizer, open_recognizer
from elmyr.tasks.recognition.predicting.trained import KIND as RECOGNIZER_KIND
from elmyr.tasks.translation.config import TranslatorChoices
from elmyr.tasks.translation.domains import Domains, open_domains
from elmyr.tasks.translation.translator import Translator

KIND: Literal["translator"] = "translator"


class TranslatorConfig(RunConfig):
    """All choices of a translator's run; the budget counts images of A."""

    kind: Literal["translator"] = KIND
    a: DataConfig
    b: DataConfig
    recognizer: str | None = Field(None, description="the run of a recognizer whose predictions should stay the same")
    recognizer_digest: str | None = Field(None, description="sha256 of its weights")
    choices: TranslatorChoices

    @property
    def paired(self) -> bool:
        """Whether it learned from pairs."""
        return self.choices.method == "paired"

    @property
    def translator(self) -> Translator:
        """The translator, not trained yet."""
        return Translator(
            method=self.choices.method,
            images=self.loop.images,
            settings=self.choices.model_dump(exclude={"method"}),
            seed=self.seed,
            device=self.device,
            precision=self.precision,
        )


@dataclass(frozen=True)
class TranslatorAsk:
    """What may be asked of a translator's training.

    recognizer: a run whose predictions are to stay the same. The splits follow from the seed; of the shaping, the form
    is that of both kinds, the choice that of A.
    """

    a: Data
    b: Data
    method: str = "cycle"
    recognizer: Run | None = None
    asked: Asked = field(default_factory=Asked)


class TranslatorTraining:
    """A translator's training, and the model at its end."""

    watcher = None

    def __init__(self, config: TranslatorConfig, domains: Domains, processes: Processes) -> None:
        self.config, self.translator = config, config.translator
        self.images = domains.a.train, domains.b.train
        self.task = self.translator.task(*self.images, _reader(config), processes)
        self.data = self.translator.data(*self.images)

    def finish(self, run: RunDirectory, outcome: Outcome) -> Finished:
        """Writes the model."""
        self.translator.learned(self.task, *self.images, outcome.seconds).save(run.model)
        return Finished({"method": self.config.choices.method}, how=f"by the method {self.config.choices.method}")


class TranslatorSpec(TaskSpec[TranslatorAsk, TranslatorConfig, Domains]):
    """Trains networks that turn images of one kind into images of another."""

    kind = KIND
    title = "translator"
    config = TranslatorConfig
    sources = 2

    def plan(self, ask: TranslatorAsk) -> Plan[TranslatorConfig, Domains]:
        """By the method, the settings and the data of both kinds."""
        asked, told = ask.asked, list[str]()
        translator = Translator(method=ask.method, images=asked.budget, settings=asked.parsed, seed=asked.seed)
        a, b = source_of(ask.a, shaping=asked.shaping), source_of(ask.b, shaping=asked.shaping)
        common, paired = asked.common(KIND), translator.choices.method == "paired"
        domains = open_domains(
            a, b, paired=paired, seed=asked.seed, data_root=asked.data_root, shaping=asked.shaping, say=told.append
        )
        path = None
        if ask.recognizer is not None:
            path = os.path.abspath(finished_model(ask.recognizer, RECOGNIZER_KIND))
        config = TranslatorConfig(
            **common,
            a=_data_config(a, domains.a.train, asked, domains.shaping),
            b=_data_config(b, domains.b.train, asked, domains.of_b),
            loop=translator.course(domains.a.train),
            recognizer=path,
            recognizer_digest=None if path is None else _weights_digest(path),
            choices=translator.choices,
        )
        config.translator.task(domains.a.train, domains.b.train, _reader(config))  # refuses what it cannot learn from
        return Plan(config, domains, told)

    def reopen(self, config: TranslatorConfig, data_root: str | os.PathLike[str] | None = None) -> Domains:
        """Both splits, and the recognizer looked at."""
        if config.recognizer is not None and _weights_digest(config.recognizer) != config.recognizer_digest:
            raise InputError(f"'{config.recognizer}' is not the recognizer of this run any more: restore it")
        return domains_of(config, data_root)

    def open(self, run: Run, *, device: str = "auto", precision: str = "auto") -> Translator:
        """The translator."""
        return Translator.load(run, device=device, precision=precision)

    def begin(self, config: TranslatorConfig, inputs: Domains, processes: Processes, say: Say) -> TranslatorTraining:
        """With random weights."""
        return TranslatorTraining(config, inputs, processes)

    def name(self, config: TranslatorConfig) -> str:
        """The names of both kinds."""
        return f"{config.a.name}-to-{config.b.name}-translator"

    def following(self, run: RunDirectory) -> Sequence[str]:
        """Translated images and figures."""
        return f"elmyr translator apply {run.path} IMAGES --out translated", f"elmyr translator evaluate {run.path}"

    def networks(self, config: TranslatorConfig) -> Mapping[str, Any]:
        """The choices that make them."""
        return config.choices.model_dump(include={"method", "back", "widths", "bottom", "styled", "discriminator_base"})

    def settings(self, config: TranslatorConfig) -> Mapping[str, Any]:
        """Its choices."""
        return config.choices.model_dump(mode="json")


TRANSLATOR = TranslatorSpec()


@checked
def train_translator(
    a: Data,
    b: Data,
    *,
    out: str | os.PathLike[str] | None = None,
    method: str = "cycle",
    recognizer: Run | None = None,
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
    """Trains a translator between the training parts of two image sets and returns its finished run directory.

    a, b: each as the data of `train`, as are the budget, in images of A, and all that follows `settings`. method and
    settings: those of `Translator`; `recognizer` names a run whose predictions are to stay the same. The splits follow
    from `seed`; of `shaping`, the form is that of both kinds, the choice that of A. Raises InputError before anything
    is written.
    """
    asked = Asked(
        images, minutes, seed, settings, device, precision, data_root, shaping, deterministic, start_from, threads
    )
    ask = TranslatorAsk(a, b, method, recognizer, asked)
    return train(TRANSLATOR, ask, RunOptions(out, keep_going, track, quiet, say))


def config_of(run: RunDirectory) -> TranslatorConfig:
    """The config that a translator's run directory holds; InputError if it is not whole."""
    return config_as(run, TranslatorConfig)


def domains_of(config: TranslatorConfig, data_root: str | os.PathLike[str] | None = None) -> Domains:
    """The splits of a run, opened again; InputError where its training images are not the same any more."""
    root = data_root if data_root is not None else config.a.root
    for data in (config.a, config.b):
        require_there(data.source)
    domains = open_domains(
        config.a.source,
        config.b.source,
        paired=config.paired,
        seed=config.a.split_seed,
        data_root=root,
        shaping=config.a.shaping,
        of_b=config.b.shaping,
    )
    for splits, data in ((domains.a, config.a), (domains.b, config.b)):
        data.require_same(splits.train)
    return domains


def _data_config(source: str | os.PathLike[str], images: ImageSet, asked: Asked, shaping: Shaping) -> DataConfig:
    return DataConfig.of(source, images, data_root=asked.data_root, shaping=shaping, seed=asked.seed)


def _reader(config: TranslatorConfig) -> Recognizer | None:
    return None if config.recognizer is None else open_recognizer(config.recognizer, device=config.device)


def _weights_digest(folder: str) -> str:
    return sha256_of(Path(folder) / "recognizer.safetensors")
