"""Minutes to images: the machine's speed is measured on a throw-away copy before the training starts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from elmyr.core import machine
from elmyr.engine.loop import LoopConfig
from elmyr.engine.rules import CHECKPOINTS
from elmyr.engine.spec import Begun
from elmyr.engine.task import BatchSource, Task

WARM_UP_UPDATES = 8
ENDING = 2.0  # seconds, about, for the model, its samples and the report
MEASURED_SHARE = 0.05  # of the budget goes into measuring: the longer, the less a busy moment misleads
UPDATES_AT_ONCE = 16  # a whole number of penalty intervals, so that no phase of them is over-counted


@dataclass(frozen=True)
class Pace:
    """How fast a training goes: its updates in images a second, and the seconds that it stops for a look.

    by_threads: the images/s by number of threads, where that was chosen.
    """

    images_per_second: float
    pause: float
    by_threads: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, begun: Begun, config: LoopConfig, *, seconds: float) -> Self:
        """That of a throw-away training, measured over about so many seconds."""
        speed = measured_speed(begun.task, begun.data, config.batch, seconds=seconds)
        for _ in range(2):  # the first one also imports what looks need
            started = time.monotonic()
            if begun.watcher is not None:
                begun.watcher.look(0)
            begun.task.preview(0)
        return cls(speed, time.monotonic() - started)

    def reached(self, seconds: float, config: LoopConfig) -> int:
        """The images seen within so many seconds, with a pause for each checkpoint and each look; at least a batch.

        However short the time, half of it is for updates.
        """
        of_an_image = 1 / self.images_per_second + (self.pause / config.watch_every if config.watch_every else 0)
        left = max(seconds / 2, seconds - ENDING - CHECKPOINTS * self.pause)
        return max(config.batch, int(left / of_an_image))


def measured_speed(task: Task, data: BatchSource, batch: int, *, seconds: float) -> float:
    """The images/s of a task's updates, taken over at least so many seconds, after a few to warm up."""
    machine.keep_freed_memory()
    for number in range(WARM_UP_UPDATES):
        task.update(data.batch(number * batch, batch), number * batch)
    started, updates = time.monotonic(), 0
    while updates == 0 or time.monotonic() < started + seconds:
        for number in range(updates, updates + UPDATES_AT_ONCE):
            scalars = task.update(data.batch(number * batch, batch), number * batch)
        updates += UPDATES_AT_ONCE
    for value in scalars.values():
        value.item()  # waits for the device
    return updates * batch / (time.monotonic() - started)
