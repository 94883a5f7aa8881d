"""The life of a run, whatever is trained in it: planned, begun, trained, resumed, finished."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from elmyr.core import machine
from elmyr.core.amounts import Amount, image_count
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import write_json
from elmyr.core.thread_counts import Threads, asked_threads
from elmyr.core.threads import quickest
from elmyr.engine.config import RunConfig, Settings
from elmyr.engine.group.devices import are_alike, device_to_resume, note_change
from elmyr.engine.group.sameness import refuse_another_run
from elmyr.engine.guards import (
    at_work,
    nothing_to_do,
    refuse_less,
    refuse_rerun,
    shown_progress,
    write_beginning,
    write_config,
)
from elmyr.engine.loop import Outcome, run_loop
from elmyr.engine.pace import MEASURED_SHARE, Pace
from elmyr.engine.processes import ALONE, Processes, joined, refuse_odd_parts, was_restarted
from elmyr.engine.saving.checkpoint import latest_checkpoint
from elmyr.engine.saving.places import RUNS, Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as, new_directory, open_run, position_of
from elmyr.engine.spec import Begun, Plan, RunOptions, Say, TaskSpec, hush
from elmyr.engine.starting import refuse_other_networks, refuse_other_settings, take_weights
from elmyr.engine.tasks import spec_of
from elmyr.engine.threads import (
    Course,
    OnThreads,
    Stretch,
    as_configured,
    course_of,
    followed,
    may_choose,
    measured_threads,
)
from elmyr.engine.trackers import open_tracker

Spec = TaskSpec[Any, Any, Any]
Places = str | os.PathLike[str] | Sequence[str | os.PathLike[str] | None]


def train(spec: Spec, ask: Any, options: RunOptions) -> RunDirectory:
    """Trains what is asked for and returns its finished run directory; InputError before anything is written.

    Under `torchrun` its processes train together, each its share of every batch, and `options.out` is needed; a group
    that was started again resumes the run.
    """
    refuse_rerun()
    started = time.monotonic()
    plan = planned(spec, ask)
    with joined() as processes:
        if processes.count > 1:
            return _train_in_group(spec, plan, options, processes)
        return train_by(spec, plan, options, since=started)


def planned(spec: Spec, ask: Any) -> Plan[Any, Any]:
    """The plan of a run, checked as far as it goes; writes nothing."""
    plan: Plan[Any, Any] = spec.plan(ask)
    if plan.config.start_from is not None:
        told = refuse_other_networks(spec, plan)
        plan = plan if told is None else replace(plan, told=[*plan.told, told])
    return plan


def train_by(
    spec: Spec,
    plan: Plan[Any, Any],
    options: RunOptions,
    *,
    since: float | None = None,
    follow: Sequence[Stretch] = (),
) -> RunDirectory:
    """Trains by a plan, in a directory of its own, in this process.

    since: the time from which its minutes count; without it the budget is what the plan says. follow: the threads of a
    run that is repeated.
    """
    speeds: Mapping[int, float] = {}
    run = RunDirectory(new_directory(options.out, parent=RUNS, name=spec.name(plan.config)))
    if since is not None and plan.config.minutes is not None:
        try:
            plan, speeds = _within(spec, plan, since=since, say=run.noting(options.say))
        except BaseException:
            shutil.rmtree(run.path)  # it holds nothing yet that could be resumed
            raise
    _write_beginning(spec, run, plan)
    for line in plan.told:
        run.noting(options.say)(line)
    _run_to_end(spec, run, plan.config, plan.inputs, options, follow=follow, speeds=speeds)
    return run


def _train_in_group(spec: Spec, plan: Plan[Any, Any], options: RunOptions, processes: Processes) -> RunDirectory:
    """As one of several processes: the first makes the run directory, all go on from what it holds."""
    if options.out is None or plan.config.minutes is not None:
        raise InputError(
            "under torchrun give --out, the directory that all processes know, and a budget by --images, not --minutes"
        )
    refuse_odd_parts(spec.shared(plan.config), processes.count)
    run, restarted = RunDirectory(Path(options.out)), any(processes.most(was_restarted()))
    processes.reach(plan.config.device)

    def first() -> RunConfig:
        found: RunConfig = config_as(run, spec.config) if restarted and run.config.is_file() else plan.config
        return found

    refuse_another_run(
        plan.config,
        first,
        processes,
        f"'{run.path}' is another run: choose another with --out, or resume it: elmyr resume {run.path}"
        if restarted
        else "the processes would not train the same: give the same images and options to each",
    )

    def write() -> bytes:
        if not restarted:
            new_directory(run.path, parent=RUNS, name="")
        if not run.config.is_file():
            _write_beginning(spec, run, plan, processes)
            for line in plan.told:
                run.noting(options.say)(line)
        return b""

    processes.told_by_first(write)
    _run_to_end(spec, run, plan.config, plan.inputs, options, processes)
    return run


def resume(
    name: Run,
    *,
    images: Amount | None = None,
    settings: Settings = (),
    data: Places | None = None,
    data_root: str | os.PathLike[str] | None = None,
    keep_going: bool = False,
    track: str | None = None,
    threads: Threads | None = None,
    device: str | int | torch.device | None = None,
    quiet: bool = False,
    say: Say = hush,
) -> RunDirectory:
    """Resumes an interrupted run (a path, or "latest") as if nothing had happened, and returns it finished.

    images: another budget, for a finished run too; the learning rates then fall by that one. settings: may only be the
    run's own. data: where its images lie by now, which the run keeps; of several sources a sequence, None for what has
    not moved. threads: from here on so many, or "auto"; as it had where None. device: where it goes on, if not where it
    was; its last bits may then be others. The rest: as the training had it.
    Raises InputError where what it learned from is not the same.
    """
    refuse_rerun()
    images, options = image_count(images), RunOptions(None, keep_going, track, quiet, say)
    run = open_run(name)
    spec = spec_of(run)
    config = config_as(run, spec.config)
    refuse_other_settings(spec, config, settings, run.path)
    asked = config.threads if threads is None else asked_threads(threads)
    if config.deterministic and asked not in (None, 1):
        raise InputError(f"'{run.path}' is --deterministic and computes on one thread: leave out --threads {asked}")
    if data is not None:
        config = moved(config, data, data_root)
        spec.reopen(config, data_root)  # refuses other images; only then is it written down
    longer = config if images is None else config.extended(images)
    longer = longer.model_copy(update={"threads": asked}).on(device_to_resume(run.path, config.device, device))
    with joined() as processes:
        if data is not None:
            processes.told_by_first(lambda: _write_places(run, config))

        def done() -> bytes:  # as the first one finds it: a group that was started again may have written its config
            return b"so" if longer.loop == config.loop and nothing_to_do(run, options.say) else b""

        if processes.told_by_first(done):
            return run
        inputs = spec.reopen(config, data_root)
        refuse_odd_parts(spec.shared(config), processes.count)
        processes.reach(longer.device)
        other = f"'{run.path}' is not the run that the first process resumes: give each its config.json"
        refuse_another_run(longer, lambda: longer, processes, other)
        processes.told_by_first(lambda: _write_changes(run, config, longer, say))
        _run_to_end(spec, run, longer, inputs, options, processes)
    return run


@checked
def open_model(run: Run, *, device: str = "auto", precision: str = "auto") -> Any:
    """The model of a finished run of any kind (a path, "latest", what training returned): a GAN, a recognizer …"""
    directory = open_run(run)
    return spec_of(directory).open(directory, device=device, precision=precision)


def moved(config: RunConfig, data: Places, data_root: str | os.PathLike[str] | None) -> RunConfig:
    """The config of a run whose images lie elsewhere by now: its sources in their order, None for what stays."""
    sources = config.sources
    places = [data] if isinstance(data, str | os.PathLike) else list(data)
    if len(places) > len(sources):
        raise InputError(f"{len(places)} places of images are given, and a {config.kind} learned from {len(sources)}")
    named = {
        name: source.at(place, data_root)
        for (name, source), place in zip(sources.items(), places, strict=False)
        if place is not None
    }
    return config.model_copy(update=named)


def _write_places(run: RunDirectory, config: RunConfig) -> bytes:
    """Writes down where the images lie by now."""
    with run.locked():
        write_config(run, config)
    return b""


def _write_changes(run: RunDirectory, before: RunConfig, config: RunConfig, say: Say) -> bytes:
    """Writes down another budget, device or number of threads, if there is one; the run is unfinished from then on."""
    if config == before:
        return b""
    refuse_less(run, config.loop.images)
    with run.locked():
        run.summary.unlink(missing_ok=True)
        if not are_alike(before.device, config.device):  # noted first: once the config is written nothing tells of it
            latest = latest_checkpoint(run.checkpoints)
            note_change(run, position_of(latest) if latest else 0, before.device, config.device, say)
        write_config(run, config)
    return b""


def _within(spec: Spec, plan: Plan[Any, Any], *, since: float, say: Say) -> tuple[Plan[Any, Any], Mapping[int, float]]:
    """The plan with the budget that the machine reaches in its minutes from `since` on; images/s by threads."""
    minutes = plan.config.minutes
    say(f"measuring the speed for a budget of {minutes:g} minutes …")
    pace = pace_of(spec, plan, seconds=MEASURED_SHARE * 60 * minutes)
    budget = pace.reached(since + 60 * minutes - time.monotonic(), plan.config.loop)
    say(f"{pace.images_per_second:,.0f} images/s: the budget is {budget:,} images")
    return plan.with_budget(budget), pace.by_threads


def pace_of(spec: Spec, plan: Plan[Any, Any], *, seconds: float) -> Pace:
    """How fast a plan's training goes, measured on a throw-away copy over about so many seconds.

    On the quicker number of threads, where that is not asked for.
    """
    config = plan.config
    with as_configured(config):
        begun, now = spec.begin(config, plan.inputs, ALONE, hush), torch.get_num_threads()
        speeds = measured_threads(begun, config.loop.batch) if may_choose(config) else {}
        with machine.threads(quickest(speeds, now) if speeds else now):
            return replace(Pace.of(begun, config.loop, seconds=seconds), by_threads=speeds)


def _write_beginning(spec: Spec, run: RunDirectory, plan: Plan[Any, Any], processes: Processes = ALONE) -> None:
    spec.introduce(run, plan.inputs)
    config = plan.config
    with machine.threads(config.threads or torch.get_num_threads()):
        write_beginning(run, config, device=config.device, precision=config.precision, processes=processes.count)


def _run_to_end(
    spec: Spec,
    run: RunDirectory,
    config: RunConfig,
    inputs: Any,
    options: RunOptions,
    processes: Processes = ALONE,
    *,
    follow: Sequence[Stretch] = (),
    speeds: Mapping[int, float] | None = None,
) -> None:
    options = options if processes.writes else RunOptions()
    say = run.noting(options.say) if processes.writes else options.say
    with (
        at_work(run, say, previews=spec.draws, writes=processes.writes),
        as_configured(config),
    ):
        latest = latest_checkpoint(run.checkpoints)

        def measure() -> Mapping[int, float]:
            return speeds or measured_threads(spec.begin(config, inputs, ALONE, hush), config.loop.batch)

        course = followed(run, follow, say) if follow else None
        if course is None and processes.count == 1:
            course = course_of(run, config, position_of(latest) if latest else 0, measure, say)
        begun = spec.begin(config, inputs, processes, say)
        if config.start_from is not None and latest is None and processes.writes:  # the others take over what it has
            take_weights(spec, begun.task, config)
        outcome = _trained(run, begun, config, options, processes, say, course)
        if processes.writes:
            _finish(run, begun, outcome, say)


def _trained(
    run: RunDirectory,
    begun: Begun,
    config: RunConfig,
    options: RunOptions,
    processes: Processes,
    say: Say,
    course: Course | None,
) -> Outcome:
    bar = shown_progress(run, config.loop.images, quiet=options.quiet)
    with bar as listener, open_tracker(options.track, run) as tracker:
        if tracker:
            say(f"figures and previews also for {tracker.library}: {tracker.viewer}")
        return run_loop(
            OnThreads(begun.task, course) if course else begun.task,
            begun.data,
            config.loop,
            run=run,
            watcher=begun.watcher,
            listener=listener,
            say=say,
            keep_going=options.keep_going,
            tracker=tracker,
            processes=processes,
        )


def _finish(run: RunDirectory, begun: Begun, outcome: Outcome, say: Say) -> None:
    finished = begun.finish(run, outcome)
    summary = {
        "images": outcome.images,
        "seconds": round(outcome.seconds, 3),
        "images_per_second": round(outcome.images / max(outcome.seconds, 1e-9), 1),
    }
    write_json(run.summary, summary | dict(finished.summary))
    how = f"{finished.how}, " if finished.how else ""
    say(f"trained {how}{outcome.images:,} images in {outcome.seconds:,.0f} s: {run.path}")
    for line in finished.lines:
        say(line)
