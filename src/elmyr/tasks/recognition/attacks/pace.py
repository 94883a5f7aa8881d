"""How many images are attacked at a time, and when it is time to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from elmyr.core.errors import InputError
from elmyr.tasks.recognition.attacks import masking
from elmyr.tasks.recognition.attacks.asked import AttackAsk
from elmyr.tasks.recognition.attacks.gradient import gradient_of_loss
from elmyr.tasks.recognition.attacks.seam import Model
from elmyr.tasks.recognition.attacks.table import ATTACKS

MOST, FEWEST = 250, 8  # images of a batch
MOST_VALUES = 1 << 20  # of a batch, as an attack keeps a dozen copies of it
SHARE = 0.5  # of the time limit that a batch may take by itself
FORTH_AND_BACK = 3  # passes


@dataclass
class Pace:
    """The size of a batch, and the time that is left. limit: seconds, None without one."""

    batch: int
    limit: float | None = None
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def measured(
        cls,
        model: Model,
        ask: AttackAsk,
        shape: tuple[int, int, int],
        *,
        classes: int,
        levels: int,
        device: torch.device,
    ) -> Pace:
        """For images (H, W, C); with a limit by how long a pass of a batch takes here.

        InputError where the smallest batch could take longer than the limit.
        """
        most = max(FEWEST, min(MOST, MOST_VALUES // math.prod(shape)))
        if ask.minutes is None:
            return cls(most)
        started, limit, passes = time.monotonic(), 60 * ask.minutes, _passes(ask, classes, levels)
        height, width, channels = shape

        def needed(batch: int) -> float:
            images = torch.full((batch, channels, height, width), 0.5, device=device)
            labels = torch.zeros(batch, dtype=torch.int64, device=device)
            return passes * _seconds(lambda: gradient_of_loss(model, images, labels)) / FORTH_AND_BACK

        if (least := needed(FEWEST)) > limit:
            raise InputError(
                f"{ask.minutes:g} minutes are too short for one batch: {FEWEST} images may take {least / 60:.2g} "
                f"minutes by {ask.attack} here; give more --minutes or a quicker attack (--attack pgd)"
            )
        batch = most
        while batch > FEWEST and needed(batch) > SHARE * limit:
            batch = max(FEWEST, batch // 2)
        return cls(batch, limit, started)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.started

    def starts(self, count: int) -> Iterator[int]:
        """Where each batch of so many images begins; none is begun that would end after the limit."""
        longest = 0.0
        for start in range(0, count, self.batch):
            before = self.seconds
            if start and self.limit is not None and before + longest > self.limit:
                return
            yield start
            longest = max(longest, self.seconds - before)


def _passes(ask: AttackAsk, classes: int, levels: int) -> int:
    """How often an image goes through the model at most; back counts twice."""
    attacks = sum(
        ATTACKS[name].passes(ask.steps_of(name), classes) * ask.restarts_of(ATTACKS[name]) for name in ask.order
    )
    noise = ATTACKS["noise"]
    return levels * (attacks + noise.passes(noise.steps, classes)) + 2 * FORTH_AND_BACK * (masking.STEPS + 1)


def _seconds(work: Callable[[], object]) -> float:
    """What it takes, the second time."""
    work()
    started = time.monotonic()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.monotonic() - started
