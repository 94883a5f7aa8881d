"""What a training would do, and how long it would take, before any of it is done: `train --dry-run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from elmyr import machine
from elmyr.nets import Cost
from elmyr.training.budget import MEASURED_SHARE, Pace
from elmyr.training.config import RunConfig
from elmyr.training.plan import Plan, new_task
from elmyr.training.rules import Resolved

SECONDS = 3.0
NETWORKS = ("generator", "discriminator")


@dataclass(frozen=True)
class Rehearsal:
    """The config that would be trained by, and what it costs on this machine."""

    config: RunConfig
    resolved: Sequence[Resolved]
    costs: tuple[Cost, Cost]  # the generator's and the discriminator's
    images_per_second: float

    @property
    def minutes(self) -> float:
        """How long the budget takes."""
        return self.config.loop.images / self.images_per_second / 60

    def as_json(self) -> dict[str, Any]:
        """All of it, for a program."""
        return {
            "config": self.config.model_dump(mode="json"),
            "automatic": {choice.name: {"value": choice.value, "rule": choice.words} for choice in self.resolved},
            "costs": {name: asdict(cost) for name, cost in zip(NETWORKS, self.costs, strict=True)},
            "images_per_second": self.images_per_second,
            "minutes": self.minutes,
        }


def rehearse(plan: Plan, *, seconds: float = SECONDS) -> Rehearsal:
    """Measures the speed of a plan's updates on a throw-away copy; a budget in minutes becomes images.

    Makes no run directory. The time is that of the updates: looks, previews and checkpoints add a few percent.
    """
    config = plan.config
    with machine.one_order_of_sums(config.deterministic):
        pace = Pace.of(new_task(config), plan.splits, config.loop, seconds=seconds)
    if config.minutes is not None:
        left = (1 - MEASURED_SHARE) * 60 * config.minutes  # the rest goes into measuring, as it does in the training
        plan = plan.with_budget(pace.reached(left, config.loop))
    return Rehearsal(plan.config, plan.resolved, config.gan.costs(), pace.images_per_second)
