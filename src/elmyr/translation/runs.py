"""A translator's run from end to end: its directory, trained, resumed, finished."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from elmyr.amounts import Amount, image_count
from elmyr.calls import checked
from elmyr.errors import InputError
from elmyr.files import sha256_of, write_json
from elmyr.images import AS_IT_IS, Data, Shaping, source_of
from elmyr.recognition import Recognizer, open_recognizer
from elmyr.recognition.trained import KIND as RECOGNIZER_KIND
from elmyr.runs import RUNS, Run, finished_model
from elmyr.training.config import DataConfig, require_there
from elmyr.training.rundir import RunDirectory, config_as, new_directory, open_run
from elmyr.training.session import (
    at_work,
    moved,
    nothing_to_do,
    refuse_groups,
    refuse_less,
    shown_progress,
    write_beginning,
    write_other_budget,
)
from elmyr.translation.config import TranslatorChoices
from elmyr.translation.sources import Domains, open_domains
from elmyr.translation.translator import Translator

KIND: Literal["translator"] = "translator"


class TranslatorConfig(BaseModel):
    """All choices of one run; `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["translator"] = KIND
    a: DataConfig
    b: DataConfig
    recognizer: str | None = Field(None, description="the run of a recognizer whose predictions should stay the same")
    recognizer_digest: str | None = Field(None, description="sha256 of its weights")
    images: int = Field(ge=1, description="the budget, in images of A")
    extended_from: int | None = Field(None, description="the budget before, where it was changed on the way")
    seed: int = Field(ge=0)
    device: str
    precision: str
    choices: TranslatorChoices

    @property
    def paired(self) -> bool:
        """Whether it learned from pairs."""
        return self.choices.method == "paired"


@checked
def train_translator(
    a: Data,
    b: Data,
    *,
    out: str | os.PathLike[str] | None = None,
    method: str = "cycle",
    recognizer: Run | None = None,
    images: Amount | None = None,
    seed: int = 0,
    settings: Mapping[str, object] | None = None,
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Trains a translator between the training parts of two image sets and returns its finished run directory.

    a, b: each as the data of `train`. The other parameters are those of `Translator`; `recognizer` names a run whose
    reading is to stay the same. The splits follow from `seed`; of `shaping`, the form is that of both kinds, the choice
    that of A. Raises InputError before anything is written.
    """
    refuse_groups(KIND)
    translator = Translator(
        method=method, images=images, settings=settings, seed=seed, device=device, precision=precision
    )
    a, b = source_of(a, shaping=shaping), source_of(b, shaping=shaping)
    paired = translator.choices.method == "paired"
    told: list[str] = []
    domains = open_domains(a, b, paired=paired, seed=seed, data_root=data_root, shaping=shaping, say=told.append)
    path = None if recognizer is None else os.path.abspath(finished_model(recognizer, RECOGNIZER_KIND))
    reader = None if path is None else open_recognizer(path, device=device)
    one, other = domains.a.train, domains.b.train
    translator.task(one, other, reader)  # refuses what it cannot learn from
    config = TranslatorConfig(
        a=DataConfig.of(a, one, data_root=data_root, shaping=domains.shaping, seed=seed),
        b=DataConfig.of(b, other, data_root=data_root, shaping=domains.of_b, seed=seed),
        recognizer=path,
        recognizer_digest=None if path is None else _weights_digest(path),
        images=translator.budget(one),
        seed=seed,
        device=str(translator.device),
        precision=translator.precision,
        choices=translator.choices,
    )
    run = RunDirectory(new_directory(out, parent=RUNS, name=f"{one.name}-to-{other.name}-translator"))
    write_beginning(run, config, device=config.device, precision=config.precision)
    note = run.noting(say)
    for line in told:
        note(line)
    _run_to_end(run, config, domains, reader, quiet, note)
    return run


def resume_translator(
    name: Run,
    *,
    images: Amount | None = None,
    data: Sequence[str | os.PathLike[str] | None] = (),
    data_root: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Resumes an interrupted run as if nothing had happened, and returns it finished.

    `images`: another budget, for a finished run too; the learning rates then fall by that one. `data`: where the images
    of A and of B lie by now, None where they have not moved; the run keeps it. Raises InputError where what it learned
    from is not the same any more.
    """
    refuse_groups(KIND)
    images = image_count(images)
    run = open_run(name, KIND)
    config = config_of(run)
    places = {
        kind: at.at(place, data_root)
        for (kind, at), place in zip((("a", config.a), ("b", config.b)), data, strict=False)
        if place is not None
    }
    if places:
        config = moved(run, config, places, domains_of)
    if nothing_to_do(run, config.images, images, say):
        return run
    domains = domains_of(config, data_root)
    reader = None
    if config.recognizer is not None:
        if _weights_digest(config.recognizer) != config.recognizer_digest:
            raise InputError(f"'{config.recognizer}' is not the recognizer of '{run.path}' any more: restore it")
        reader = open_recognizer(config.recognizer, device=config.device)
    if images is not None and images != config.images:
        refuse_less(run, images)
        config = config.model_copy(update={"images": images, "extended_from": config.images})
        write_other_budget(run, config)
    _run_to_end(run, config, domains, reader, quiet, run.noting(say))
    return run


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


def _weights_digest(folder: str) -> str:
    return sha256_of(Path(folder) / "recognizer.safetensors")


def _run_to_end(
    run: RunDirectory,
    config: TranslatorConfig,
    domains: Domains,
    reader: Recognizer | None,
    quiet: bool,
    say: Callable[[str], None],
) -> None:
    translator = Translator(
        method=config.choices.method,
        images=config.images,
        settings=config.choices.model_dump(exclude={"method"}),
        seed=config.seed,
        device=config.device,
        precision=config.precision,
    )
    with at_work(run, say):
        with shown_progress(run, config.images, quiet=quiet) as listener:
            translator.fit(domains.a.train, domains.b.train, recognizer=reader, run=run, listener=listener, say=say)
        translator.save(run.model)
        seconds = round(translator.seconds_, 3)
        write_json(run.summary, {"images": config.images, "seconds": seconds, "method": config.choices.method})
    say(f"trained by the method {config.choices.method}, {config.images:,} images in {seconds:,.0f} s: {run.path}")
