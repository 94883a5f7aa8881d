"""How far work in pieces is, and how long the rest takes."""

from typing import NamedTuple

import pytest

from elmyr.studies.work.clock import Clock


class Work(NamedTuple):
    """A piece of work."""

    seed: int
    what: str


WORK = [Work(seed, what) for seed in (0, 1) for what in ("GAN", "real")]


@pytest.fixture(autouse=True)
def an_hour_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Since the clock began, so that as much is done at once as one process does."""
    times = iter([0.0])
    monkeypatch.setattr("elmyr.studies.work.clock.time.monotonic", lambda: next(times, 3600.0))


def test_the_time_is_told_once_every_kind_was_seen_and_the_last_pieces_are_named() -> None:
    clock = Clock([*WORK, Work(0, "figures")], (), 1, short=("figures",))
    assert clock.told(WORK[0], 60) == " (4 pieces left)"
    assert clock.told(WORK[1], 20) == " (3 pieces left, about 2 minutes)"  # 60, 20 and, as it is not known, 40
    assert clock.told(WORK[2], 60) == " (2 pieces left, about 60 seconds: real, figures)"
    assert clock.told(WORK[3], 20) == " (1 piece left, about 40 seconds: figures)"
    assert clock.told(Work(0, "figures"), 9) == ""


def test_what_is_resumed_knows_the_times_of_before() -> None:
    clock = Clock(WORK, WORK[:2], 1, before=[("GAN", 100.0), ("real", 30.0)])
    assert clock.told(WORK[3], 30) == " (1 piece left, about 2 minutes: GAN)"
