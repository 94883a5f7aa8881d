"""Minutes to images: the machine's speed is measured on a throw-away copy before the training starts."""

from __future__ import annotations

import time
from collections.abc import Callable

from elmyr import machine
from elmyr.training.task import BatchSource, Task

WARM_UP_UPDATES = 8
MEASURED_SHARE = 0.05  # of the budget goes into measuring: the longer, the less a busy moment misleads
UPDATES_AT_ONCE = 16  # a whole number of penalty intervals, so that no phase of them is over-counted


def images_within(
    minutes: float, build: Callable[[], Task], data: BatchSource, batch: int, *, since: float
) -> tuple[int, float]:
    """The number of images that training reaches in `minutes` from `since` (time.monotonic), and the images/s measured.

    What was spent before the call and on measuring counts as used.
    """
    deadline = since + 60 * minutes
    speed = measured_speed(build(), data, batch, seconds=MEASURED_SHARE * 60 * minutes)
    return reached(speed, deadline - time.monotonic(), batch), speed


def reached(speed: float, seconds: float, batch: int) -> int:
    """The images seen within so many seconds; at least a batch."""
    return max(batch, int(speed * seconds))


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
