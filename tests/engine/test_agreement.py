"""Several processes ask each other for a stop seldom, at the same updates, and hear of one within seconds."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elmyr.core.errors import DivergedError, InputError
from elmyr.engine import RunDirectory
from elmyr.engine.group.agreement import Agreement
from elmyr.engine.group.sameness import refuse_another_run
from elmyr.engine.loop import LoopConfig, run_loop
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.saving.logbook import Logbook
from elmyr.engine.saving.run_directory import config_as
from elmyr.engine.signals import StopRequest
from elmyr.engine.task import Batch
from elmyr.engine.tasks import spec_of


class Asked(Processes):
    """One of two processes, whose other one answers as told; and what this one asked with."""

    def __init__(self, other: tuple[int, int, int]) -> None:
        super().__init__(0, 2)
        self.other, self.messages = other, list[tuple[int, ...]]()

    def most(self, *values: int) -> list[int]:
        self.messages.append(values)
        return [max(pair) for pair in zip(values, self.other, strict=True)]


def asked_at(updates: int, seconds: float, other: tuple[int, int, int] = (0, -1, 0)) -> list[int]:
    """The updates, from 1 on, after which a process asks whose updates take so long."""
    now, group, found = 0.0, Asked(other), list[int]()
    agreement = Agreement(StopRequest(), group, lambda: now)
    for number in range(1, updates + 1):
        now += seconds
        agreement.after_update(None, now=False)
        if len(group.messages) > len(found):
            found.append(number)
    return found


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.001, [1, 17, 33, 49]), (0.125, [1, 17, 33, 49]), (0.5, [*range(1, 50, 4)]), (7.0, [*range(1, 50)])],
)
def test_quick_updates_are_asked_after_at_every_16th_slow_ones_within_seconds(
    seconds: float, expected: list[int]
) -> None:
    assert asked_at(49, seconds) == expected


def test_the_slowest_process_sets_the_pace() -> None:
    assert asked_at(9, 0.001, other=(0, -1, 1_000)) == [1, 3, 5, 7, 9]


def test_what_one_of_them_knows_all_hear_at_the_same_update() -> None:
    stop = StopRequest()
    agreement = Agreement(stop, Asked((15, 72, 1)), lambda: 0.0)
    assert agreement.signal_number == 0
    assert agreement.after_update(None, now=False) == 72 and agreement.signal_number == 15
    stop.signal_number = 2
    agreement = Agreement(stop, Asked((0, -1, 1)), lambda: 0.0)
    assert agreement.after_update(0, now=False) == 0 and agreement.signal_number == 2
    quiet = Agreement(stop, group := Asked((0, -1, 1)), lambda: 0.0)
    assert quiet.after_update(None, now=False) is None and quiet.after_update(24, now=False) is None
    assert quiet.after_update(24, now=True) == 24 and len(group.messages) == 2


def test_what_is_logged_waits_neither_for_a_device_nor_for_another_process() -> None:
    group = Asked((0, -1, 0))
    book = Logbook(None, group)
    for position in range(0, 320, 16):
        book.add({"loss": torch.empty((), device="meta")}, position)  # of which no number can be had
    assert not group.messages and book.bad is None
    book = Logbook(None, group)
    book.add({"loss": torch.tensor(torch.nan)}, 320)
    assert not group.messages and book.bad is not None and book.bad[0] == 320
    with pytest.raises(DivergedError, match="loss not finite at 320 images"):
        book.refuse_bad(336)
    with pytest.raises(DivergedError, match="numbers of another process not finite at 336 images"):
        Logbook(None, group).refuse_bad(336)


def test_alone_a_process_hears_at_once_and_asks_nobody() -> None:
    stop = StopRequest()
    agreement = Agreement(stop, ALONE)
    assert agreement.signal_number == 0 and agreement.after_update(None, now=True) is None
    stop.signal_number = 2
    assert agreement.signal_number == 2 and agreement.after_update(48, now=False) == 48


class Twins(Asked):
    """Two processes of which the other one sees nothing, and has the same means."""

    def told_by_first(self, make: Callable[[], bytes]) -> bytes:
        return make()

    def most(self, *values: int) -> list[int]:
        return super().most(*values) if len(values) == len(self.other) else list(values)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        return values


class Breaking:
    """A task whose weights are gone with its loss at 64 images; and what watches and feeds it."""

    remedy, figure = "none", None

    def __init__(self, loss: float) -> None:
        self.modules, self.optimizers = dict[str, torch.nn.Module](), dict[str, torch.optim.Optimizer]()
        self.loss, self.weight, self.looks = loss, torch.ones(1), list[int]()

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        broken = position in (64, 80)
        if broken:
            self.weight *= torch.nan
        return {"loss": torch.tensor(self.loss if broken else 1.0, dtype=torch.float64)}

    def look(self, position: int) -> dict[str, Any]:
        assert self.weight.isfinite().all()
        self.looks.append(position)
        return {}

    def preview(self, position: int) -> np.ndarray | None:
        return None

    def batch(self, position: int, size: int) -> Batch:
        return Batch(torch.zeros(size, 1, 2, 2, dtype=torch.uint8), None)


@pytest.mark.parametrize("group", [ALONE, Twins((0, -1, 0))], ids=["alone", "two"])
@pytest.mark.parametrize("loss", [torch.nan, 1e308], ids=["not finite", "a sum that is not"])
def test_nobody_looks_at_weights_that_are_not_finite(loss: float, group: Processes) -> None:
    """Neither where one process alone knows, nor where nothing tells before the sums do, as on a GPU."""
    task: Any = Breaking(loss)
    rare = {"log_every": 640, "preview_every": 640, "checkpoint_every": 640}
    course = LoopConfig(images=640, batch=16, decay_from=1, watch_every=48, **rare)
    with pytest.raises(DivergedError, match=f"loss not finite at {64 if loss != loss else 96} images"):
        run_loop(task, task, course, watcher=task, processes=group)
    assert task.looks == [48]


class Second(Processes):
    """The second of two processes, whose first one has another version of a library and a setting of its own."""

    def __init__(self, versions: dict[str, str]) -> None:
        super().__init__(1, 2)
        self.versions = versions

    def told_by_first(self, make: Callable[[], bytes]) -> bytes:
        told = json.loads(make())
        told["versions"] |= self.versions
        told["config"] |= {"what_is_new": 3} if self.versions else {}
        return json.dumps(told).encode()

    def most(self, *values: int) -> list[int]:
        return list(values)


@pytest.mark.parametrize("name", ["elmyr", "torch"])
def test_another_version_is_told_before_a_config_that_has_no_meaning_here(name: str) -> None:
    run = RunDirectory(Path(__file__).parents[1] / "stored" / "gan" / "interrupted")
    config = config_as(run, spec_of(run).config)
    refuse_another_run(config, lambda: config, Second({}), "none")
    told = rf"^all processes take the same versions .* \({name} is 99\.1, not \d\S*\)$"
    with pytest.raises(InputError, match=told):
        refuse_another_run(config, lambda: config, Second({name: "99.1"}), "none")
