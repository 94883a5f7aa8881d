"""The threads of a training, stretch by stretch: chosen by its own speed, written down, followed when it is repeated.

Sums depend on the number of threads in their last bits. So what a run chose on the way stands in its `threads.json`:
from how many images seen on, on how many threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from elmyr.core import machine
from elmyr.core.files import read_json, write_json
from elmyr.core.threads import LOST, Clock, candidates, measured, quickest
from elmyr.engine.config import RunConfig
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.spec import Begun, Say
from elmyr.engine.task import Batch, Scalars, Task

MEASURED = 0.5  # seconds on one thread, before a training
FEWEST_UPDATES = 200  # a shorter training begins on all threads: to measure first would take as long as it does
WINDOW, WINDOW_UPDATES, LONGEST_WINDOW = 5.0, 8, 20.0  # over which a speed is taken: seconds, updates, seconds at most
TRIAL, TRIAL_UPDATES = 1.0, 4  # the same where another number is tried
SEEN_AT_ONCE, SEEN_UPDATES = 2.0, 2  # after so much a loss to a third is believed
KEPT = 2 / 3  # of the best speed: below it another number is looked for
FIRST_WAIT, LONGEST_WAIT = 30.0, 120.0  # seconds until all threads are tried again on fewer, doubled each time in vain


@dataclass(frozen=True)
class Stretch:
    """From so many images seen on, so many threads."""

    images: int
    threads: int


class Chooser:
    """Hears how long each update takes, and says on how many threads the next one is to run.

    A pure machine of figures. counts: what there is to choose from; speeds: images/s where they were measured.
    """

    def __init__(self, counts: Sequence[int], now: int, speeds: Mapping[int, float]) -> None:
        self.counts, self.now, self.running = tuple(counts), now, now
        self.chosen_by: Mapping[int, float] = {}  # the speeds, where it has just changed its choice
        self._best = speeds.get(now, math.inf)  # of which nothing is known: the others are tried at the first look
        self._wait, self._since = FIRST_WAIT, 0.0
        self._found: dict[int, float] = {}
        self._untried: list[int] = []
        self._images, self._seconds, self._updates = 0, 0.0, 0

    def heard(self, images: int, seconds: float) -> int:
        """The threads of the next update, after one of so many images in so many seconds."""
        self._images, self._seconds, self._updates = self._images + images, self._seconds + seconds, self._updates + 1
        self._since += seconds
        self.chosen_by = {}
        if self._found:
            self._hear_trial()
        else:
            self._hear_steady()
        return self.running

    @property
    def _speed(self) -> float:
        return self._images / max(self._seconds, 1e-9)

    def _hear_steady(self) -> None:
        plainly_lost = self._since_more_than(SEEN_AT_ONCE, SEEN_UPDATES) and self._speed * LOST < self._best
        whole = self._since_more_than(WINDOW, WINDOW_UPDATES) or self._seconds >= LONGEST_WINDOW
        if not (whole or plainly_lost):
            return
        lost, due = self._speed < KEPT * self._best, self.now < max(self.counts) and self._since >= self._wait
        if lost or due:
            self._found, self._untried = {self.now: self._speed}, [each for each in self.counts if each != self.now]
            self.running = self._untried.pop()
        self._best = max(self._best, self._speed)
        self._begin_window()

    def _hear_trial(self) -> None:
        given_up = self._seconds >= TRIAL and self._speed * LOST < max(self._found.values())
        if not (given_up or self._since_more_than(TRIAL, TRIAL_UPDATES)):
            return
        self._found[self.running] = self._speed
        self._begin_window()
        if self._untried:
            self.running = self._untried.pop()
            return
        chosen = quickest(self._found, self.now)
        self._wait = FIRST_WAIT if chosen != self.now else min(2 * self._wait, LONGEST_WAIT)
        self.chosen_by = self._found if chosen != self.now else {}
        self.now = self.running = chosen
        self._best, self._found, self._since = self._found[chosen], {}, 0.0

    def _since_more_than(self, seconds: float, updates: int) -> bool:
        return self._seconds >= seconds and self._updates >= updates

    def _begin_window(self) -> None:
        self._images, self._seconds, self._updates = 0, 0.0, 0


class Course:
    """The stretches of a run. What is written down is followed; past it a chooser decides, where there is one."""

    def __init__(
        self,
        stretches: Sequence[Stretch],
        chooser: Chooser | None = None,
        *,
        write: Callable[[Sequence[Stretch]], None] = lambda stretches: None,
        say: Say = lambda line: None,
    ) -> None:
        self.stretches, self.chooser, self.write, self.say = list(stretches), chooser, write, say
        self._trained = self.stretches[-1].images  # up to there the numbers stand, also where the loop goes back

    def threads(self, position: int) -> int:
        """Those of the update that begins after so many images."""
        return next(each.threads for each in reversed(self.stretches) if each.images <= position)

    def heard(self, position: int, images: int, seconds: float) -> None:
        """After an update that began at a position, of so many images in so many seconds."""
        if self.chooser is None or position < self._trained:
            return
        self._trained = position + images
        count = self.chooser.heard(images, seconds)
        if count != self.stretches[-1].threads:
            self.stretches.append(Stretch(self._trained, count))
            self.write(self.stretches)
        if self.chooser.chosen_by:
            self.say(f"from {self._trained:,} images on {told(count, self.chooser.chosen_by)}")


@dataclass(frozen=True)
class OnThreads:
    """A task whose updates run on the threads of a course."""

    task: Task
    course: Course
    clock: Clock = time.monotonic

    @property
    def remedy(self) -> str:
        """The task's."""
        return self.task.remedy

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The task's."""
        return self.task.modules

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """The task's."""
        return self.task.optimizers

    def update(self, batch: Batch, position: int) -> Scalars:
        """The task's, on as many threads as are due."""
        if (due := self.course.threads(position)) != torch.get_num_threads():
            torch.set_num_threads(due)
        started = self.clock()
        scalars = self.task.update(batch, position)
        self.course.heard(position, len(batch), self.clock() - started)
        return scalars

    def preview(self, position: int) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        """The task's."""
        return self.task.preview(position)


@contextmanager
def as_configured(config: RunConfig) -> Iterator[None]:
    """Inside, torch computes as a run is to: on its number of threads where it has one, sums in one order if wanted."""
    with machine.threads(config.threads or torch.get_num_threads()), machine.one_order_of_sums(config.deterministic):
        yield


def may_choose(config: RunConfig) -> bool:
    """Whether a run, as configured, has a choice of threads: on a CPU, none asked for, and more than one there."""
    return config.threads is None and torch.device(config.device).type == "cpu" and len(candidates()) > 1


def measured_threads(begun: Begun, batch: int) -> dict[int, float]:
    """The images/s of a throw-away training on each number of threads that may be chosen."""
    machine.keep_freed_memory()

    def update(number: int) -> None:
        begun.task.update(begun.data.batch(number * batch, batch), number * batch)

    return {count: batch * often for count, often in measured(update, candidates(), seconds=MEASURED).items()}


def told(count: int, speeds: Mapping[int, float]) -> str:
    """`1 thread: 230 images/s, on 2 threads 80`."""
    others = ", ".join(f"on {_threads(other)} {speed:,.0f}" for other, speed in speeds.items() if other != count)
    return f"{_threads(count)}: {speeds[count]:,.0f} images/s, {others}"


def course_of(
    run: RunDirectory,
    config: RunConfig,
    position: int,
    measure: Callable[[], Mapping[int, float]],
    say: Say,
) -> Course | None:
    """The threads of a run that begins, or goes on, at a position, and sets them; None where it has one number.

    measure: gives images/s by number of threads, asked only where there is a choice, and enough to train for it to
    pay. For one process on a CPU.
    """
    if config.deterministic or torch.device(config.device).type != "cpu":
        return None
    written = run.threads.is_file()
    before = stretches_of(run) if written or position else []
    now, chooser = torch.get_num_threads(), None
    if may_choose(config):
        speeds = measure() if config.loop.images - position >= FEWEST_UPDATES * config.loop.batch else {}
        there = before[-1].threads if before else now
        if speeds:
            now = quickest(speeds, there if there in speeds else now)
            say(told(now, speeds))
        elif there in candidates():
            now = there
        chooser = Chooser(candidates(), now, speeds)
        stretches = _on(before, max(position, before[-1].images if before else 0), now)
    else:
        stretches = _on([each for each in before if each.images <= position], position, now)
        if len(stretches) == 1 and not written:
            return None
    course = Course(stretches, chooser, write=_writing(run, say), say=say)
    course.write(stretches)
    torch.set_num_threads(course.threads(position))
    return course


def stretches_of(run: RunDirectory) -> list[Stretch]:
    """Those that a run has written down; the one of its environment where it wrote none."""
    if run.threads.is_file():
        return [Stretch(int(each["images"]), int(each["threads"])) for each in read_json(run.threads)]
    known = read_json(run.environment) if run.environment.is_file() else {}
    count = known.get("threads") if isinstance(known, dict) else None
    return [Stretch(0, int(count))] if count else []


def followed(run: RunDirectory, stretches: Sequence[Stretch], say: Say) -> Course:
    """The course of a run that repeats another's stretches; torch has the threads of the first one from now on."""
    course = Course(stretches, write=_writing(run, say))
    if len(stretches) > 1:
        course.write(stretches)
    torch.set_num_threads(course.threads(0))
    return course


def _on(stretches: Sequence[Stretch], position: int, count: int) -> list[Stretch]:
    """The stretches, and from a position on so many threads."""
    if stretches and stretches[-1].threads == count:
        return list(stretches)
    return [*(each for each in stretches if each.images < position), Stretch(position if stretches else 0, count)]


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count != 1 else ''}"


def _writing(run: RunDirectory, say: Say) -> Callable[[Sequence[Stretch]], None]:
    def write(stretches: Sequence[Stretch]) -> None:
        try:
            write_json(run.threads, [asdict(each) for each in stretches])
        except OSError as error:
            say(f"'{run.threads}' cannot be written ({error.strerror}): elmyr repeat will not know the threads")

    return write
