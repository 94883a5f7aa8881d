"""A restorer's run from end to end: its directory, trained, resumed, finished."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from elmyr.amounts import Amount, image_count
from elmyr.calls import checked
from elmyr.files import write_json
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, open_source, source_of, split_source
from elmyr.restoration.config import RestorerChoices
from elmyr.restoration.damage import ANY
from elmyr.restoration.restorer import Restorer
from elmyr.runs import RUNS, Run
from elmyr.training.config import DataConfig
from elmyr.training.plan import opened_again
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

KIND: Literal["restorer"] = "restorer"


class RestorerConfig(BaseModel):
    """All choices of one run; `config.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["restorer"] = KIND
    data: DataConfig
    corruption: str = Field(description="the damage that it learns to undo")
    images: int = Field(ge=1, description="the budget")
    extended_from: int | None = Field(None, description="the budget before, where it was changed on the way")
    seed: int = Field(ge=0)
    device: str
    precision: str
    choices: RestorerChoices


@checked
def train_restorer(
    data: Data,
    labels: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    corruption: str = ANY,
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
    """Trains a restorer on the training part of an image set and returns its finished run directory.

    data: as `train` has it. The other parameters are those of `Restorer`; its split follows from `seed`. Raises
    InputError before anything is written.
    """
    refuse_groups(KIND)
    restorer = Restorer(
        corruption=corruption, images=images, settings=settings, seed=seed, device=device, precision=precision
    )
    data = source_of(data, labels, shaping)
    source = open_source(data, data_root, shaping, choose_size=True)
    training = split_source(source, seed, source.shaping).train
    restorer.task(training)  # refuses what it cannot learn from
    config = RestorerConfig(
        data=DataConfig.of(data, training, data_root=data_root, shaping=source.shaping, seed=seed),
        corruption=corruption,
        images=restorer.budget(training),
        seed=seed,
        device=str(restorer.device),
        precision=restorer.precision,
        choices=restorer.choices,
    )
    run = RunDirectory(new_directory(out, parent=RUNS, name=f"{training.name}-restorer"))
    write_beginning(run, config, device=config.device, precision=config.precision)
    _run_to_end(run, config, training, quiet, run.noting(say))
    return run


def resume_restorer(
    name: Run,
    *,
    images: Amount | None = None,
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Resumes an interrupted run as if nothing had happened, and returns it finished.

    `images`: another budget, for a finished run too; the learning rates then fall by that one. `data`: where the images
    lie by now, which the run keeps. Raises InputError where the images are not the same any more.
    """
    refuse_groups(KIND)
    images = image_count(images)
    run = open_run(name, KIND)
    config = config_of(run)
    if data is not None:
        config = moved(run, config, {"data": config.data.at(data, data_root)}, splits_of)
    if nothing_to_do(run, config.images, images, say):
        return run
    training = splits_of(config, data_root).train
    if images is not None and images != config.images:
        refuse_less(run, images)
        config = config.model_copy(update={"images": images, "extended_from": config.images})
        write_other_budget(run, config)
    _run_to_end(run, config, training, quiet, run.noting(say))
    return run


def config_of(run: RunDirectory) -> RestorerConfig:
    """The config that a restorer's run directory holds; InputError if it is not whole."""
    return config_as(run, RestorerConfig)


def splits_of(config: RestorerConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split of a run, opened again; InputError where its training images are not the same any more."""
    return opened_again(config.data, data_root)


def _run_to_end(
    run: RunDirectory, config: RestorerConfig, training: ImageSet, quiet: bool, say: Callable[[str], None]
) -> None:
    restorer = Restorer(
        corruption=config.corruption,
        images=config.images,
        settings=config.choices.model_dump(),
        seed=config.seed,
        device=config.device,
        precision=config.precision,
    )
    with at_work(run, say):
        with shown_progress(run, config.images, quiet=quiet) as listener:
            restorer.fit(training, run=run, listener=listener, say=say)
        restorer.save(run.model)
        seconds = round(restorer.seconds_, 3)
        write_json(run.summary, {"images": config.images, "seconds": seconds, "corruption": config.corruption})
    say(f"trained for the damage '{config.corruption}', {config.images:,} images in {seconds:,.0f} s: {run.path}")
