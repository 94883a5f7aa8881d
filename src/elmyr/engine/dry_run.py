"""What a training would do, and how long it would take, before any of it is done: `--dry-run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from elmyr.engine.config import RunConfig
from elmyr.engine.pace import MEASURED_SHARE
from elmyr.engine.rules import Resolved
from elmyr.engine.run import pace_of, planned
from elmyr.engine.spec import TaskSpec
from elmyr.nets import Cost

SECONDS = 3.0


@dataclass(frozen=True)
class Rehearsal:
    """The config that would be trained by, and what it costs on this machine; `costs` by the name of a network.

    settings: by the names that `--set` knows.
    """

    config: RunConfig
    settings: Mapping[str, Any]
    resolved: Sequence[Resolved]
    costs: Mapping[str, Cost]
    images_per_second: float

    @property
    def minutes(self) -> float:
        """How long the budget takes."""
        return self.config.loop.images / self.images_per_second / 60

    def as_json(self) -> dict[str, Any]:
        """All of it, for a program."""
        return {
            "config": self.config.model_dump(mode="json"),
            "settings": dict(self.settings),
            "automatic": {choice.name: {"value": choice.value, "rule": choice.words} for choice in self.resolved},
            "costs": {name: asdict(cost) for name, cost in self.costs.items()},
            "images_per_second": self.images_per_second,
            "minutes": self.minutes,
        }


def rehearse(spec: TaskSpec[Any, Any, Any], ask: Any, *, seconds: float = SECONDS) -> Rehearsal:
    """Plans what is asked for, and measures its speed on a throw-away copy; a budget in minutes becomes images.

    Makes no run directory. The time is that of the updates: looks, previews and checkpoints add a few percent.
    """
    plan = planned(spec, ask)
    pace = pace_of(spec, plan, seconds=seconds)
    if plan.config.minutes is not None:
        left = (1 - MEASURED_SHARE) * 60 * plan.config.minutes  # the rest goes into measuring, as in the training
        plan = plan.with_budget(pace.reached(left, plan.config.loop))
    config = plan.config
    return Rehearsal(config, spec.settings(config), plan.resolved, spec.costs(config), pace.images_per_second)
