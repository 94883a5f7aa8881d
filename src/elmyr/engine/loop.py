"""The loop: it knows budgets, schedules, logs, checkpoints, signals and numbers gone bad; it knows no GAN."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import BaseModel, ConfigDict, Field

from elmyr.core import machine
from elmyr.core.errors import DivergedError, InterruptedRun
from elmyr.core.plugins import with_plugins
from elmyr.engine.group.agreement import Agreement
from elmyr.engine.group.handover import taken_up
from elmyr.engine.optimization.schedule import decay_factor
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.progress import Listener, Silence
from elmyr.engine.saving.checkpoint import (
    SaveError,
    latest_checkpoint,
    not_finite,
    require_room,
    take_snapshot,
    weights_size,
)
from elmyr.engine.saving.logbook import Logbook
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.saving.writer import CheckpointWriter
from elmyr.engine.signals import StopRequest
from elmyr.engine.task import BatchSource, Task, Watcher
from elmyr.engine.trackers import Tracker
from elmyr.images import save_png

MOST_ROLLBACKS = 3
MOMENTS = 3  # a checkpoint is that many times as large when the optimizers have theirs


class LoopConfig(BaseModel):
    """The course of a training, counted in images seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    images: int = Field(ge=1, description="the budget, exact")
    batch: int = Field(ge=1)
    decay_from: float = Field(0.4, ge=0, le=1, description="share of the budget after which the learning rate falls")
    log_every: int = Field(ge=1)
    preview_every: int = Field(ge=1)
    checkpoint_every: int = Field(ge=1)
    watch_every: int = Field(0, ge=0, description="images seen between two looks of the training monitor; 0 for none")
    keep: int = Field(2, ge=1, description="checkpoints kept")

    @classmethod
    def of_budget(cls, images: int, *, batch: int, decay_from: float) -> Self:
        """With ten previews and ten checkpoints, and fifty lines in the log."""
        every = max(batch, images // 10)
        return cls(
            images=images,
            batch=batch,
            decay_from=decay_from,
            log_every=max(batch, images // 50),
            preview_every=every,
            checkpoint_every=every,
        )


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
    say: Callable[[str], None] = lambda line: None,
    keep_going: bool = False,
    tracker: Tracker | None = None,
    processes: Processes = ALONE,
) -> Outcome:
    """Trains until the budget is used; goes on from the run's latest checkpoint where there is one.

    The watcher looks every `watch_every` images. Without a run directory nothing is written. SIGINT or SIGTERM finish
    the update, save, and raise InterruptedRun. Numbers that are not finite roll the run back to its last checkpoint
    with half the learning rates, three times at most; then, or without a run directory, DivergedError. SaveError where
    the disk is full or fails; with `keep_going` the training goes on unsaved. A tracker is told what is
    logged. Of several `processes` the first writes.
    """
    course = TrainingLoop(task, data, config, run, watcher, listener or Silence(), say, keep_going, tracker, processes)
    machine.keep_freed_memory()
    with course.writer if course.writer else nullcontext():
        course.begin()
        return course.train()


class TrainingLoop:
    """One training under way."""

    def __init__(
        self,
        task: Task,
        data: BatchSource,
        config: LoopConfig,
        run: RunDirectory | None,
        watcher: Watcher | None,
        listener: Listener,
        say: Callable[[str], None],
        keep_going: bool,
        tracker: Tracker | None,
        processes: Processes,
    ) -> None:
        self.processes, self.tracker = processes, tracker
        self.task, self.data, self.config, self.run = task, data, config, run
        self.watcher, self.listener, self.say, self.keep_going = watcher, listener, say, keep_going
        self.writer = CheckpointWriter(run.checkpoints, keep=config.keep) if run and processes.writes else None
        self.logbook = Logbook(run.metrics if run else None, processes)
        self.position, self.rollbacks, self.earlier = 0, 0, 0.0
        self._saved = -1  # the position of the last checkpoint that was begun
        self.started = self._drained_at = time.monotonic()
        self._drained = 0

    def begin(self) -> None:
        """Takes up the latest checkpoint, or saves the first one: there is always one to go back to."""
        there = self._take_up()
        if not there:
            self._restore_log({"sums": {}, "counts": {}}, 0)
        if self.writer:
            self._require_room(self.writer.folder)
        if not there:
            self._save()

    def train(self) -> Outcome:
        """From the position to the end of the budget."""
        with StopRequest() as stop:
            agreement = Agreement(stop, self.processes)
            while self.position < self.config.images:
                try:
                    self._update(agreement)
                    if agreement.signal_number and self.position < self.config.images:
                        raise self._interrupted(agreement.signal_number)
                except DivergedError as error:
                    self._roll_back(error)
            self._wait_for_writer()
        return Outcome(self.position, self._seconds())

    def _update(self, agreement: Agreement) -> None:
        """One update, and what is due after it."""
        config, before = self.config, self.position
        self._set_learning_rates()
        batch = self.data.batch(before, min(config.batch, config.images - before))
        self.logbook.add(self.task.update(batch, before), before)
        self.position += len(batch)
        logs, saves = self._due(config.log_every, before), self._due(config.checkpoint_every, before)
        every = config.watch_every
        looks = bool(every) and (saves or before // every != self.position // every)
        bad = agreement.after_update(self.logbook.bad and self.logbook.bad[0], now=logs or saves or looks)
        if bad is not None:
            self.logbook.refuse_bad(bad)
        self.listener.advance(self.position)
        if self.writer:
            with self._saving():
                self.writer.look()
        if logs:
            with self._saving():
                self._log()
        if looks:
            self.logbook.state(self.position)  # refuses what is not finite: on a GPU nothing has told of it yet
        if self.watcher and looks:
            seen = self.watcher.look(self.position)
            with self._saving():
                self.logbook.write(self.position, seen)
                self._tell({"images": self.position, **seen})
        if self.run and self.processes.writes and self._due(config.preview_every, before):
            with self._saving():
                self._save_preview(self.run)
        if saves:
            self._save()

    def _due(self, every: int, before: int) -> bool:
        return before // every != self.position // every or self.position == self.config.images

    def _set_learning_rates(self) -> None:
        factor = decay_factor(self.position / self.config.images, self.config.decay_from) * 0.5**self.rollbacks
        for optimizer in self.task.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = optimizer.defaults["lr"] * factor

    def _log(self) -> None:
        now = time.monotonic()
        speed = (self.position - self._drained) / max(now - self._drained_at, 1e-9)
        rates = {f"{name}_learning_rate": _learning_rate(each) for name, each in self.task.optimizers.items()}
        times = {"seconds": round(self._seconds(), 3), "images_per_second": round(speed, 1)}
        self._tell(self.logbook.drain(self.position, times | rates))
        self._drained_at, self._drained = now, self.position

    def _tell(self, line: Mapping[str, Any]) -> None:
        if self.tracker:
            self.tracker.tell(line)

    def _restore_log(self, state: Mapping[str, Any], position: int) -> None:
        self.logbook.restore(state, position)
        if self.tracker and self.run:
            self.tracker.retell(self.run, position)

    def _save_preview(self, run: RunDirectory) -> None:
        picture, path = self.task.preview(self.position), run.preview(self.position)
        if picture is not None:
            path.parent.mkdir(exist_ok=True)
            save_png(picture, path)
            if self.tracker:
                self.tracker.show(self.position, path)

    def _save(self) -> None:
        if self.run is None:
            return
        bad = not_finite(self.task)
        if any(self.processes.most(bad is not None)):
            told = f"training diverged: {bad or 'weights'} not finite at {self.position:,} images"
            raise DivergedError(told, images=self.position)
        stretch, self._saved = self.logbook.state(self.position), self.position
        if self.writer is None:
            return
        progress = {
            "logbook": stretch,
            "watch": self.watcher.state() if self.watcher else None,
            "rollbacks": self.rollbacks,
            "seconds": self._seconds(),
        }
        snapshot = take_snapshot(self.task, self.position, progress, self.watcher.figure if self.watcher else None)
        with self._saving():
            self.writer.save(snapshot)

    def _take_up(self) -> bool:
        """The latest checkpoint, if there is one: as the first process finds it, for all."""
        folder = self.run.checkpoints if self.run else None
        found = taken_up(self.task, lambda: latest_checkpoint(folder) if folder else None, self.processes)
        if found is None:
            return False
        self.position, progress = found
        with self._saving():
            self._restore_log(progress["logbook"], self.position)
        if self.watcher and progress["watch"] is not None:
            self.watcher.restore(progress["watch"])
        self.rollbacks, self.earlier = int(progress["rollbacks"]), float(progress["seconds"])
        self.started = self._drained_at = time.monotonic()
        self._drained = self.position
        if self.writer:
            self.writer.written = self.position
        return True

    def _roll_back(self, error: DivergedError) -> None:
        """To the last checkpoint, with half the learning rates; the error itself where that was tried three times."""
        if self.run is None:
            raise DivergedError(f"{error}: lower the learning rate", images=error.images)
        rollbacks, spent = self.rollbacks + 1, self._seconds()
        if rollbacks > MOST_ROLLBACKS:
            raise DivergedError(
                f"{error}; {MOST_ROLLBACKS} times back to a checkpoint with half the learning rates did not help: "
                f"{self.task.remedy}",
                images=error.images,
            )
        self._wait_for_writer()
        if not self._take_up():
            raise error
        self.rollbacks, self.earlier = rollbacks, spent
        tried = f"{rollbacks} of {MOST_ROLLBACKS} times"
        self.say(f"{error}; back to {self.position:,} images, with half the learning rates ({tried})")

    def _wait_for_writer(self) -> None:
        """Until the last checkpoint is on the disk, for every process."""
        if self.writer:
            with self._saving():
                self.writer.wait()
        self.processes.wait()

    def _interrupted(self, number: int) -> InterruptedRun:
        message = f"stopped at {self.position:,} of {self.config.images:,} images"
        if self.run:
            if self._saved != self.position:
                self._save()
            self._wait_for_writer()
            resume = with_plugins(f"elmyr resume {self.run.path}")
            if self.writer is None or self.writer.written == self.position:
                message += f", all saved; resume with: {resume}"
            else:
                message += f", saved are {max(self.writer.written, 0):,}; resume with: {resume}"
        return InterruptedRun(message, signal_number=number)

    def _require_room(self, folder: Path) -> None:
        size = MOMENTS * weights_size(self.task)
        with self._saving():
            try:
                require_room(folder, size * (self.config.keep + 1))
            except OSError as error:
                raise SaveError(f"no room for {self.config.keep + 1} checkpoints in '{folder}' ({error})") from None

    @contextmanager
    def _saving(self) -> Iterator[None]:
        """What writes inside may find the disk full: said where training continues, else raised with a way out."""
        try:
            yield
        except (SaveError, OSError) as error:
            told = str(error) if isinstance(error, SaveError) else f"a file cannot be written ({error.strerror})"
            if not self.keep_going:
                mend = f": make room, then: elmyr resume {self.run.path}" if self.run else ""
                raise SaveError(f"{told}{mend}") from None
            self.say(f"{told}; training continues without saving")

    def _seconds(self) -> float:
        return self.earlier + time.monotonic() - self.started


def _learning_rate(optimizer: torch.optim.Optimizer) -> float:
    return float(f"{optimizer.param_groups[0]['lr']:.6g}")
