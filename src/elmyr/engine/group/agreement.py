"""How often several processes ask each other whether one of them is to stop, or saw a number that is not finite.

Every such question makes the quickest wait for the slowest, so it is asked at every 16th update at most; of slow
updates more often, for a signal to be heard within seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from elmyr.engine.processes import Processes
from elmyr.engine.signals import StopRequest

MOST_UPDATES = 16
SECONDS = 2.0  # between two questions, where updates are slow: torchrun and SLURM kill half a minute after their signal


class Agreement:
    """Whether to stop: what this process knows where it is alone, else what all of them have last agreed on."""

    def __init__(self, stop: StopRequest, processes: Processes, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop, self._processes, self._clock = stop, processes, clock
        self._agreed, self._updates, self._left, self._asked_at = 0, 0, 1, clock()

    @property
    def signal_number(self) -> int:
        """The signal that asks for a stop; 0 for none."""
        return (self._stop.signal_number or 0) if self._processes.count == 1 else self._agreed

    def after_update(self, bad: int | None, *, now: bool) -> int | None:
        """Asks the others, where that is due or it is to be `now`, at the same updates in all of them.

        bad: the position at which this process first saw a number that is not finite. Returns the last such position of
        any of them; None where there is none, or nothing was asked.
        """
        if self._processes.count == 1:
            return bad
        self._updates, self._left = self._updates + 1, self._left - 1
        if self._left > 0 and not now:
            return None
        spent = round(1000 * (self._clock() - self._asked_at) / self._updates)
        found = self._processes.most(self._stop.signal_number or 0, -1 if bad is None else bad, spent)
        self._agreed, worst, slowest = found
        self._left = max(1, min(MOST_UPDATES, int(1000 * SECONDS / max(slowest, 1))))
        self._updates, self._asked_at = 0, self._clock()
        return worst if worst >= 0 else None
