"""A run from end to end: prepared, trained, resumed, finished."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elmyr import machine
from elmyr.amounts import Amount, image_count, minutes_of
from elmyr.calls import checked
from elmyr.errors import InputError
from elmyr.files import write_json, write_text
from elmyr.gan import GAN
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, class_rows, image_grid, save_npz, save_png
from elmyr.runs import GAN_KIND, RUNS, Run
from elmyr.training.budget import MEASURED_SHARE, Pace
from elmyr.training.checkpoint import latest_checkpoint
from elmyr.training.config import RunConfig, Settings
from elmyr.training.data import ResidentData
from elmyr.training.loop import run_loop
from elmyr.training.modelcard import model_card
from elmyr.training.plan import Plan, config_of, make_plan, new_task, refuse_other_settings, splits_of, take_weights
from elmyr.training.processes import ALONE, Processes, joined, refuse_odd_batch, was_restarted
from elmyr.training.rundir import RunDirectory, new_directory, open_run
from elmyr.training.session import (
    at_work,
    moved,
    nothing_to_do,
    refuse_less,
    refuse_rerun,
    shown_progress,
    write_beginning,
    write_other_budget,
)
from elmyr.training.trackers import open_tracker, require_tracker
from elmyr.training.watch import Watch

SHOWN_PER_CLASS = 10


@dataclass(frozen=True)
class Manner:
    """How a training goes about it: saved or not on a full disk, with a progress bar or not, heard by whom.

    InputError where no tracker is called `track`.
    """

    keep_going: bool = False
    quiet: bool = True
    say: Callable[[str], None] = lambda line: None
    track: str | None = None

    def __post_init__(self) -> None:
        require_tracker(self.track)


@checked
def train(
    data: Data,
    labels: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    preset: str = "residual",
    images: Amount | None = None,
    minutes: Amount | None = None,
    seed: int = 0,
    settings: Settings = (),
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    rescue: bool = False,
    deterministic: bool = False,
    start_from: Run | None = None,
    keep_going: bool = False,
    track: str | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Trains a GAN on the training part of an image set and returns its finished run directory.

    data: a known name ("digits", "mnist"), a path, or what is in memory, in the form of `shaping`: images with `labels`
    (arrays, tensors, lists), an image set, a data set of torch. What is in memory is kept in the cache, so that the run
    can be resumed. The split into training, validation and test part follows from `seed`. The budget is `images` seen,
    exactly (200_000, 2e5 or "200k"), or `minutes` from this call on (90 or "1h30m"); without either 200,000 images,
    60,000 below 16 pixels a side. settings: `{"penalties.r1": 2}` or `["penalties.r1=2"]` over the preset's choices.
    rescue: whether the training monitor changes settings where it finds a problem. deterministic: the same bits on any
    number of threads, at the speed of one. start_from: a run with the same networks whose weights this one begins with.
    keep_going: whether a full disk ends the training or only its saving. track: "tensorboard" or "trackio", told the
    figures and previews as well. `say` hears a line about each stage. quiet: whether no progress is shown; else there
    is a bar in a terminal or a notebook, elsewhere a line every half minute. Raises InputError before anything is
    written.

    Under `torchrun` its processes train together, each its share of every batch, and `out` is needed; a group that was
    started again resumes the run.
    """
    refuse_rerun()
    started = time.monotonic()
    minutes = minutes_of(minutes)
    manner = Manner(keep_going, quiet, say, track)
    plan = make_plan(
        data,
        labels=labels,
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
        deterministic=deterministic,
        start_from=start_from,
    )
    with joined() as processes:
        if processes.count > 1:
            return _train_in_group(plan, processes, out, manner)
        if minutes is None:
            return run_anew(plan.config, plan.splits, out=out, manner=manner)
        run = _new_run(plan.config, out)
        try:
            plan = _within(minutes, plan, since=started, say=run.noting(say))
        except BaseException:
            shutil.rmtree(run.path)  # it holds nothing yet that could be resumed
            raise
        _write_beginning(run, plan.config, plan.splits.train)
        _run_to_end(run, plan.config, plan.splits, manner)
        return run


def run_anew(config: RunConfig, splits: Splits, *, out: str | os.PathLike[str] | None, manner: Manner) -> RunDirectory:
    """Trains by a config that is there already, in a directory of its own."""
    run = _new_run(config, out)
    _write_beginning(run, config, splits.train)
    _run_to_end(run, config, splits, manner)
    return run


def _new_run(config: RunConfig, out: str | os.PathLike[str] | None) -> RunDirectory:
    return RunDirectory(new_directory(out, parent=RUNS, name=f"{config.data.name}-{config.preset}"))


def _train_in_group(
    plan: Plan, processes: Processes, out: str | os.PathLike[str] | None, manner: Manner
) -> RunDirectory:
    """As one of several processes: the first makes the run directory, all go on from what it holds."""
    if out is None or plan.config.minutes is not None:
        raise InputError("several processes need a run directory that all of them know, and a budget: --out, --images")
    refuse_odd_batch(plan.config.loop.batch, processes.count)
    run = RunDirectory(Path(out))
    if processes.writes:
        if not was_restarted():
            new_directory(out, parent=RUNS, name="")
        if not run.config.is_file():
            _write_beginning(run, plan.config, plan.splits.train, processes)
    processes.wait()
    config = config_of(run)
    if config != plan.config:
        raise InputError(f"'{out}' is another run: choose another with --out, or resume it: elmyr resume {out}")
    _run_to_end(run, config, plan.splits, manner, processes)
    return run


def resume(
    name: Run,
    *,
    images: Amount | None = None,
    settings: Settings = (),
    data: str | os.PathLike[str] | None = None,
    data_root: str | os.PathLike[str] | None = None,
    keep_going: bool = False,
    track: str | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> RunDirectory:
    """Resumes an interrupted run (a path, or "latest") as if nothing had happened, and returns it finished.

    `images`: another budget, for a finished run too; the learning rates then fall by that one. Raises InputError for
    `settings` other than the run's own: a run is one game from end to end.

    `data`: where the images lie by now, which the run keeps; InputError where they are others.
    """
    refuse_rerun()
    images = image_count(images)
    manner = Manner(keep_going, quiet, say, track)
    run = open_run(name, GAN_KIND)
    config = config_of(run)
    refuse_other_settings(config, settings, run.path)
    if data is not None:
        config = moved(run, config, {"data": config.data.at(data, data_root)}, splits_of)
    if nothing_to_do(run, config.loop.images, images, say):
        return run
    splits = splits_of(config, data_root)
    with joined() as processes:
        refuse_odd_batch(config.loop.batch, processes.count)
        if images is not None and images != config.loop.images:
            config = _with_budget(run, config, images, processes)
        _run_to_end(run, config, splits, manner, processes)
    return run


def _with_budget(run: RunDirectory, config: RunConfig, images: int, processes: Processes) -> RunConfig:
    """The config with another budget, written down; the run is unfinished from then on."""
    refuse_less(run, images)
    loop = config.loop.model_copy(update={"images": images})
    changed = config.model_copy(update={"loop": loop, "minutes": None, "extended_from": config.loop.images})
    if processes.writes:
        write_other_budget(run, changed)
    processes.wait()
    return changed


def _within(minutes: float, plan: Plan, *, since: float, say: Callable[[str], None]) -> Plan:
    """The plan with the budget that the machine reaches in `minutes` from `since` on."""
    say(f"measuring the speed for a budget of {minutes:g} minutes …")
    config = plan.config
    with machine.one_order_of_sums(config.deterministic):
        pace = Pace.of(new_task(config), plan.splits, config.loop, seconds=MEASURED_SHARE * 60 * minutes)
    budget = pace.reached(since + 60 * minutes - time.monotonic(), config.loop)
    say(f"{pace.images_per_second:,.0f} images/s: the budget is {budget:,} images")
    return plan.with_budget(budget)


def _write_beginning(run: RunDirectory, config: RunConfig, training: ImageSet, processes: Processes = ALONE) -> None:
    _show_reals(run, training)
    write_beginning(run, config, device=config.device, precision=config.precision, processes=processes.count)


def _show_reals(run: RunDirectory, training: ImageSet) -> None:
    """The first ten of each class, one row per class; the first hundred without labels."""
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
    run: RunDirectory, config: RunConfig, splits: Splits, manner: Manner, processes: Processes = ALONE
) -> None:
    manner = manner if processes.writes else Manner()
    with at_work(run, manner.say, writes=processes.writes), machine.one_order_of_sums(config.deterministic):
        _train_and_export(run, config, splits, manner, processes)


def _train_and_export(
    run: RunDirectory, config: RunConfig, splits: Splits, manner: Manner, processes: Processes
) -> None:
    say = run.noting(manner.say) if processes.writes else manner.say
    task = new_task(config, processes)
    if config.start_from is not None and latest_checkpoint(run.checkpoints) is None:
        take_weights(task, config.start_from)
    data = ResidentData(splits.train, seed=config.seed, device=task.device)
    watch = Watch(task, splits, say=say, rescue=config.rescue)
    total = config.loop.images
    bar = shown_progress(run, total, quiet=manner.quiet)
    with bar as listener, open_tracker(manner.track, run) as tracker:
        if tracker:
            say(f"figures and previews also for {tracker.library}: {tracker.viewer}")
        outcome = run_loop(
            task,
            data,
            config.loop,
            run=run,
            watcher=watch,
            listener=listener,
            say=say,
            keep_going=manner.keep_going,
            tracker=tracker,
            processes=processes,
        )
    if not processes.writes:
        return
    task.export(run.model, outcome.images)
    gan = GAN.load(run.model, device=config.device, precision=config.precision)
    save_npz(gan.sample(SHOWN_PER_CLASS * max(len(gan.config.classes), 10), balanced=True), run.generated)
    summary = {
        "images": outcome.images,
        "seconds": round(outcome.seconds, 3),
        "images_per_second": round(outcome.images / max(outcome.seconds, 1e-9), 1),
        "troubles": watch.troubles,
        "collapse": watch.collapse.model_dump() if watch.collapse else None,
    }
    write_text(run.path / "README.md", model_card(config, summary))
    write_json(run.summary, summary)
    say(f"trained {total:,} images in {outcome.seconds:,.0f} s: {run.path}")
    if watch.collapse:
        say(watch.collapse.sentence)
