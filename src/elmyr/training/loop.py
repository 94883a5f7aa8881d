"""The loop: it knows budgets, schedules, logs, checkpoints and signals; it knows no GAN."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field

from elmyr.errors import InterruptedRun
from elmyr.images import save_png
from elmyr.training.checkpoint import latest_checkpoint, load_checkpoint, prune_checkpoints, save_checkpoint
from elmyr.training.logbook import Logbook
from elmyr.training.progress import Listener, Silence
from elmyr.training.rundir import RunDirectory
from elmyr.training.schedule import decay_factor
from elmyr.training.signals import StopRequest
from elmyr.training.task import BatchSource, Task, Watcher


class LoopConfig(BaseModel):
    """The course of a training, counted in images seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    images: int = Field(ge=1, description="the budget, exact")
    batch: int = Field(ge=1)
    decay_from: float = Field(0.4, ge=0, le=1, description="share of the budget after which the learning rate falls")
    log_every: int = Field(ge=1)
    preview_every: int = Field(ge=1)
    checkpoint_every: int = Field(ge=1)
    watch_every: int = Field(0, ge=0, description="images seen between two looks of the watch; 0 for none")
    keep: int = Field(2, ge=1, description="checkpoints kept")


@dataclass(frozen=True)
class Outcome:
    """Where a training ended, and how long its loop took, earlier sessions included."""

    images: int
    seconds: float


def run_loop(
    task: Task,
    data: BatchSource,
    config: LoopConfig,
    *,
    run: RunDirectory | None = None,
    watcher: Watcher | None = None,
    listener: Listener | None = None,
) -> Outcome:
    """Trains until the budget is used; goes on from the run's latest checkpoint where there is one.

    The watcher looks every `watch_every` images. Without a run directory nothing is written. SIGINT or SIGTERM finish
    the update, save, and raise InterruptedRun.
    """
    logbook = Logbook(run.metrics if run else None)
    listener = listener or Silence()
    position, earlier = _start(task, logbook, watcher, run)
    started, drained = time.monotonic(), position
    last_drain = started

    with StopRequest() as stop:
        while position < config.images:
            _set_learning_rates(task, decay_factor(position / config.images, config.decay_from))
            before, batch = position, data.batch(position, min(config.batch, config.images - position))
            logbook.add(task.update(batch, position))
            position += len(batch)
            listener.advance(position)
            done = position == config.images

            if _crossed(config.log_every, before, position) or done:
                now = time.monotonic()
                rate = (position - drained) / max(now - last_drain, 1e-9)
                rates = {f"{name}_learning_rate": _learning_rate(o) for name, o in task.optimizers.items()}
                times = {"seconds": round(earlier + now - started, 3), "images_per_second": round(rate, 1)}
                logbook.drain(position, times | rates)
                drained, last_drain = position, now
            if watcher and config.watch_every and _crossed(config.watch_every, before, position):
                logbook.write(position, watcher.look(position))
            if run and (_crossed(config.preview_every, before, position) or done):
                _save_preview(task, run, position)
            interrupted = stop.signal_number is not None and not done
            if run and (_crossed(config.checkpoint_every, before, position) or done or interrupted):
                progress = {
                    "logbook": logbook.state(position),
                    "watch": watcher.state() if watcher else None,
                    "seconds": earlier + time.monotonic() - started,
                }
                save_checkpoint(run.checkpoints, task, position, progress)
                prune_checkpoints(run.checkpoints, position, config.keep)
            if interrupted:
                raise _interruption(stop, run, position, config)
    return Outcome(position, earlier + time.monotonic() - started)


def _start(task: Task, logbook: Logbook, watcher: Watcher | None, run: RunDirectory | None) -> tuple[int, float]:
    """The position and the seconds that the run has behind it; its state goes into the task and the watcher."""
    path = latest_checkpoint(run.checkpoints) if run else None
    if path is None:
        logbook.restore({"sums": {}, "counts": {}}, 0)
        return 0, 0.0
    position, progress = load_checkpoint(path, task)
    logbook.restore(progress["logbook"], position)
    if watcher and progress["watch"] is not None:
        watcher.restore(progress["watch"])
    return position, float(progress["seconds"])


def _crossed(every: int, before: int, after: int) -> bool:
    return before // every != after // every


def _set_learning_rates(task: Task, factor: float) -> None:
    for optimizer in task.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * factor


def _learning_rate(optimizer: torch.optim.Optimizer) -> float:
    return float(f"{optimizer.param_groups[0]['lr']:.6g}")


def _save_preview(task: Task, run: RunDirectory, position: int) -> None:
    picture = task.preview(position)
    if picture is not None:
        run.previews.mkdir(exist_ok=True)
        save_png(picture, run.previews / f"images-{position:09d}.png")


def _interruption(stop: StopRequest, run: RunDirectory | None, position: int, config: LoopConfig) -> InterruptedRun:
    assert stop.signal_number is not None
    message = f"stopped at {position:,} of {config.images:,} images"
    if run:
        message += f", all saved; go on with: elmyr resume {run.path}"
    return InterruptedRun(message, signal_number=stop.signal_number)
