import os
from collections.abc import Iterator

import pytest
import torch

from elmyr.core import thread_counts, threads
from elmyr.core.errors import InputError
from elmyr.core.thread_counts import asked_threads
from elmyr.core.threads import AGAIN, GAIN, Lookout, candidates, computing, look, measured, quickest, steady


@pytest.fixture(autouse=True)
def _as_found() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where nobody has set the number in the environment."""
    for name in thread_counts.PINNING:
        monkeypatch.delenv(name, raising=False)


class Machine:
    """Time that passes by work alone: so many seconds a piece, by the number of threads."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now, self.done = seconds, 0.0, list[tuple[int, int]]()

    def work(self, number: int) -> None:
        self.done.append((torch.get_num_threads(), number))
        self.now += self.seconds[torch.get_num_threads()]

    def clock(self) -> float:
        return self.now


def test_what_is_asked_is_auto_or_a_number_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_counts, "cores", lambda: 4)
    assert [asked_threads(each) for each in ("auto", "3", 3, "4")] == [None, 3, 3, 4]
    for wrong in (0, "0", 5, -1, "two", "1.5", "²", ""):
        with pytest.raises(InputError, match=f"--threads is {wrong}: give auto, or 1 to 4, the cores here"):
            asked_threads(wrong)
    monkeypatch.setattr(thread_counts, "cores", lambda: 1)
    with pytest.raises(InputError, match="--threads is 2: give auto, or 1, the only core here"):
        asked_threads(2)


def test_one_half_and_all_are_compared_unless_the_environment_says_how_many(
    free: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for most in (1, 2, 3, 16):
        torch.set_num_threads(most)
        found.append(candidates())
    assert found == [(1,), (1, 2), (1, 2, 3), (1, 8, 16)]
    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    assert candidates() == (16,)


def test_the_present_number_stays_unless_another_is_clearly_faster() -> None:
    assert quickest({1: 100.0, 2: 100.0 * GAIN - 1}, 1) == 1
    assert quickest({1: 100.0, 2: 100.0 * GAIN + 1}, 1) == 2
    assert quickest({1: 230.0, 2: 80.0}, 2) == 1
    assert quickest({1: 3.0, 8: 9.0, 16: 10.0}, 16) == 16


def test_speeds_are_of_the_same_work_after_one_to_warm_up() -> None:
    here = Machine({1: 0.1, 2: 0.05})
    found = measured(here.work, (1, 2), seconds=0.35, clock=here.clock)
    assert found == pytest.approx({1: 10, 2: 20})
    assert here.done == [(count, number) for count in (1, 2) for number in (0, 0, 1, 2, 3)]


def test_a_hopeless_number_is_given_up_soon() -> None:
    for slow, times in ((0.5, 3 + 1), (60.0, 1)):  # by the work itself, or already by the first
        here = Machine({1: 0.1, 2: slow})
        found = measured(here.work, (1, 2), seconds=0.45, clock=here.clock)
        assert found == pytest.approx({1: 10, 2: 1 / slow})
        assert sum(count == 2 for count, _ in here.done) == times


def test_it_looks_again_only_now_and_then(free: None, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Machine({1: 0.01, 2: 0.1})
    monkeypatch.setattr(threads, "_probe", lambda: here.work)
    monkeypatch.setattr(threads.measured, "__kwdefaults__", {"clock": here.clock})
    watch = Lookout((1, 2), here.clock)
    watch.look()
    assert torch.get_num_threads() == 1
    here.seconds, looks = {1: 0.1, 2: 0.01}, len(here.done)
    watch.look()
    assert len(here.done) == looks
    here.now += AGAIN
    watch.look()
    assert torch.get_num_threads() == 2


def test_only_inside_something_that_computes_is_a_number_chosen(free: None, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(2)
    here = Machine({1: 0.01, 2: 0.1})
    monkeypatch.setattr(threads, "_probe", lambda: here.work)
    monkeypatch.setattr(threads.measured, "__kwdefaults__", {"clock": here.clock})
    look()
    assert torch.get_num_threads() == 2
    with computing("auto"):
        look()
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with computing(1):
        look()
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2 and "OMP_NUM_THREADS" not in os.environ


def test_up_to_so_many_may_be_chosen(free: None) -> None:
    torch.set_num_threads(4)
    with computing("auto", most=3):
        assert torch.get_num_threads() == 3 and candidates() == (1, 2, 3)


def test_a_training_inside_computes_on_all_threads_whatever_was_found_before(
    free: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(2)
    here = Machine({1: 0.01, 2: 0.1})
    monkeypatch.setattr(threads, "_probe", lambda: here.work)
    monkeypatch.setattr(threads.measured, "__kwdefaults__", {"clock": here.clock})
    with steady():  # outside of anything that computes nothing changes
        assert torch.get_num_threads() == 2
    with computing("auto"):
        look()
        assert torch.get_num_threads() == 1
        with steady():
            assert torch.get_num_threads() == 2
            here.now += AGAIN
            look()
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 1
