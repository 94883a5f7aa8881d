"""How many threads compute: as many as are asked for, or the quickest of one, half and all, by a short measurement.

An operation of several threads waits for the last of them. Beside other work the system puts one aside now and then, so
that a training, with hundreds of small operations an update, can be many times as fast on one thread as on two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch

from elmyr.core import machine
from elmyr.core.thread_counts import Threads, asked_threads, set_by_user

GAIN = 1.15  # another number of threads is taken where it is that many times as fast
LOST = 3.0  # a measurement ends where it has taken that many times as long as the one it is compared with
AGAIN = 20.0  # seconds between two looks, where nothing is trained
PROBED = 0.04  # seconds of such a look on one thread

Clock = Callable[[], float]


def candidates() -> tuple[int, ...]:
    """What may be chosen from, the fewest first: one thread, half of what torch has now, and all of it.

    Only the last where the user has set the number in the environment.
    """
    most = torch.get_num_threads()
    if set_by_user():
        return (most,)
    return tuple(sorted({1, (most + 1) // 2, most}))


def quickest(speeds: Mapping[int, float], now: int) -> int:
    """Of the numbers of threads the fastest one; the present one, unless that is clearly faster."""
    best = max(speeds, key=speeds.__getitem__)
    return best if speeds[best] > GAIN * speeds[now] else now


def measured(
    work: Callable[[int], object], counts: Sequence[int], *, seconds: float, clock: Clock = time.monotonic
) -> dict[int, float]:
    """How often a second `work(number)` is done on each number of threads.

    On the first for about so many seconds; on the others just as often, or until that has taken three times as long.
    """
    first, *others = counts
    done, spent = _times(work, first, seconds, None, clock)
    return {first: done / spent} | {
        count: times / took for count in others for times, took in [_times(work, count, LOST * spent, done, clock)]
    }


def _times(
    work: Callable[[int], object], count: int, seconds: float, enough: int | None, clock: Clock
) -> tuple[int, float]:
    """How often work was done on so many threads, `enough` times or for so many seconds, and what that took.

    Once before, which is all where that has taken too long already.
    """
    with machine.threads(count):
        started = clock()
        work(0)  # the first time makes what later ones find
        if enough is not None and (spent := clock() - started) >= seconds:
            return 1, spent
        started, done, spent = clock(), 0, 0.0
        while done != enough and spent < seconds:
            work(done)
            done, spent = done + 1, clock() - started
        return done, max(spent, 1e-9)


class Lookout:
    """The quicker number of threads for what is no training: looked for at the beginning, and again now and then."""

    def __init__(self, counts: Sequence[int], clock: Clock = time.monotonic) -> None:
        self.counts, self.clock = tuple(counts), clock
        self._looked: float | None = None

    def look(self) -> None:
        """Sets the quicker one, where it is time to look."""
        now = self.clock()
        if len(self.counts) == 1 or (self._looked is not None and now < self._looked + AGAIN):
            return
        self._looked = now
        torch.set_num_threads(quickest(measured(_probe(), self.counts, seconds=PROBED), self.counts[-1]))


_LOOKOUT: ContextVar[Lookout | None] = ContextVar("lookout", default=None)


@contextmanager
def computing(asked: Threads, most: int | None = None) -> Iterator[None]:
    """Inside, torch computes on as many threads as are asked for; by `auto` on the quicker number, up to `most`.

    What takes long says with `look` when it may change.
    """
    count = asked_threads(asked)
    with machine.threads(count or min(most or torch.get_num_threads(), torch.get_num_threads())):
        set_before = _LOOKOUT.set(Lookout(candidates()) if count is None else None)
        try:
            yield
        finally:
            _LOOKOUT.reset(set_before)


@contextmanager
def steady() -> Iterator[None]:
    """Inside `computing("auto")` a training: on all threads from its first update to its last, whatever the moment.

    Sums depend on the number of threads in their last bits, and nothing is written down of a training that only serves
    another work, as that of a feature extractor does: it comes out the same each time.
    """
    lookout = _LOOKOUT.get()
    with machine.threads(torch.get_num_threads() if lookout is None else lookout.counts[-1]):
        set_before = _LOOKOUT.set(None)
        try:
            yield
        finally:
            _LOOKOUT.reset(set_before)


def look() -> None:
    """Takes the quicker number of threads from here on, inside `computing("auto")`, where it is time to look again."""
    lookout = _LOOKOUT.get()
    if lookout is not None:
        lookout.look()


def chosen(most: int) -> int:
    """The quicker number of threads of those up to `most` at this moment."""
    with machine.threads(most):
        counts = candidates()
        return quickest(measured(_probe(), counts, seconds=PROBED), most) if len(counts) > 1 else most


def _probe() -> Callable[[int], object]:
    """A small convolution, as those of the networks here."""
    images, weights = torch.ones(16, 64, 14, 14), torch.ones(64, 64, 3, 3)

    def convolve(number: int) -> object:
        with torch.inference_mode():
            return torch.conv2d(images, weights, padding=1)

    return convolve
