"""A run from end to end: prepared, trained, resumed, finished."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import numpy as np

from elmyr import machine
from elmyr.errors import InterruptedRun
from elmyr.files import write_json, write_text
from elmyr.gan import GAN
from elmyr.images import AS_IT_IS, ImageSet, Shaping, class_rows, image_grid, save_npz, save_png
from elmyr.training.budget import images_within
from elmyr.training.config import RunConfig
from elmyr.training.data import ResidentData
from elmyr.training.loop import run_loop
from elmyr.training.modelcard import model_card
from elmyr.training.plan import Plan, config_of, make_plan, new_task, splits_of
from elmyr.training.progress import Listener, ProgressBar
from elmyr.training.rundir import RUNS, RunDirectory, new_directory, open_run
from elmyr.training.watch import Watch

SHOWN_PER_CLASS = 10


def train(
    data: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    preset: str = "residual",
    images: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | Iterable[str] = (),
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    rescue: bool = False,
    quiet: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Trains a GAN on the training part of an image set and returns its finished run directory.

    data: a known name ("digits", "mnist") or a path, in the form of `shaping`; its split into training, validation and
    test part follows from `seed`. The budget is `images` seen, exactly, or `minutes` from this call on; without either
    200,000 images, 60,000 below 16 pixels a side. settings: `{"penalties.r1": 2}` or `["penalties.r1=2"]`
    over the preset's choices. rescue: whether the watch changes the game where it goes wrong. `say` hears a line about
    each stage; without `quiet` there is a progress bar. Raises InputError before anything is written.
    """
    started = time.monotonic()
    plan = make_plan(
        data,
        preset=preset,
        images=images,
        minutes=minutes,
        seed=seed,
        settings=settings,
        device=device,
        precision=precision,
        data_root=data_root,
        shaping=shaping,
        rescue=rescue,
    )
    run = RunDirectory(new_directory(out, parent=RUNS, name=f"{plan.training.name}-{preset}"))
    say = run.noting(say)
    if minutes is not None:
        try:
            plan = _within(minutes, plan, since=started, say=say)
        except BaseException:
            shutil.rmtree(run.path)  # it holds nothing yet that could be resumed
            raise
    _write_beginning(run, plan.config, plan.training)
    _run_to_end(run, plan.config, plan.training, quiet=quiet, say=say)
    return run


def resume(
    name: str | os.PathLike[str],
    *,
    data_root: str | os.PathLike[str] | None = None,
    quiet: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Goes on with an interrupted run (a path, or "latest") as if nothing had happened, and returns it finished."""
    run = open_run(os.fspath(name))
    config = config_of(run)
    if run.finished:
        say(f"'{run.path}' is finished already: nothing to do")
        return run
    _run_to_end(run, config, splits_of(config, data_root).train, quiet=quiet, say=run.noting(say))
    return run


def _within(minutes: float, plan: Plan, *, since: float, say: Callable[[str], None]) -> Plan:
    """The plan with the budget that the machine reaches in `minutes` from `since` on."""
    say(f"measuring the speed for a budget of {minutes:g} minutes …")
    config = plan.config
    resident = ResidentData(plan.training, seed=config.seed, device=machine.choose_device(config.device))
    budget, speed = images_within(minutes, lambda: new_task(config), resident, config.loop.batch, since=since)
    say(f"{speed:,.0f} images/s: the budget is {budget:,} images")
    return plan.with_budget(budget)


def _write_beginning(run: RunDirectory, config: RunConfig, training: ImageSet) -> None:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    surroundings = machine.environment() | {
        "device": config.device,
        "precision": config.precision,
        "started": started,
    }
    write_json(run.environment, surroundings)
    _show_reals(run, training)
    write_json(run.config, config.model_dump(mode="json"))


def _show_reals(run: RunDirectory, training: ImageSet) -> None:
    """The first ten of each class, a row a class; the first hundred without labels."""
    if training.labels is None:
        shown = training.take(np.arange(min(len(training), SHOWN_PER_CLASS**2)))
        picture = image_grid(shown.in_memory(), columns=SHOWN_PER_CLASS)
    else:
        numbers = range(len(training.classes))
        firsts = [np.flatnonzero(training.labels == label)[:SHOWN_PER_CLASS] for label in numbers]
        shown = training.take(np.concatenate(firsts))
        picture = class_rows(shown, SHOWN_PER_CLASS)
    save_png(picture, run.path / "reals.png")
    save_npz(shown, run.real)


def _run_to_end(
    run: RunDirectory, config: RunConfig, training: ImageSet, *, quiet: bool, say: Callable[[str], None]
) -> None:
    try:
        with run.locked():
            _train_and_export(run, config, training, quiet=quiet, say=say)
    except KeyboardInterrupt:
        message = f"stopped; go on with: elmyr resume {run.path}"
        raise InterruptedRun(message, signal_number=signal.SIGINT) from None


def _train_and_export(
    run: RunDirectory, config: RunConfig, training: ImageSet, *, quiet: bool, say: Callable[[str], None]
) -> None:
    task = new_task(config)
    data = ResidentData(training, seed=config.seed, device=task.device)
    watch = Watch(task, training, say=say, rescue=config.rescue)
    total = config.loop.images
    bar: AbstractContextManager[Listener | None] = nullcontext() if quiet else ProgressBar(run.path.name, total=total)
    with bar as listener:
        outcome = run_loop(task, data, config.loop, run=run, watcher=watch, listener=listener)
    task.export(run.model, outcome.images)
    gan = GAN.load(run.path, device=config.device, precision=config.precision)
    save_npz(gan.sample(SHOWN_PER_CLASS * max(len(gan.config.classes), 10)), run.generated)
    summary = {
        "images": outcome.images,
        "seconds": round(outcome.seconds, 3),
        "images_per_second": round(outcome.images / max(outcome.seconds, 1e-9), 1),
        "troubles": watch.troubles,
    }
    write_text(run.path / "README.md", model_card(config, summary))
    write_json(run.summary, summary)
    say(f"trained {total:,} images in {outcome.seconds:,.0f} s: {run.path}")
