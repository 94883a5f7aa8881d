"""How the cores are shared among the processes of a study."""

import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.studies import plan
from elmyr.studies.plan import shared_out


@pytest.fixture(autouse=True)
def _of_eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "cores", lambda: 8)
    monkeypatch.setattr("elmyr.core.thread_counts.cores", lambda: 8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)


def test_a_process_a_core_has_one_thread_and_fewer_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared_out(0, "cpu", 20) == (8, 1)
    assert shared_out(0, "cpu", 4) == (4, 2)
    assert shared_out(3, "cpu", 20) == (3, 2)
    assert shared_out(0, "cuda:0", 20) == (1, 8)
    assert shared_out(0, "cpu:0", 20) == (8, 1)
    monkeypatch.setattr(plan, "chosen_threads", lambda most: 1)
    assert shared_out(1, "cpu", 20) == (1, 1)  # the quicker one beside other work


def test_threads_that_are_asked_for_leave_room_for_fewer_processes() -> None:
    assert shared_out(0, "cpu", 20, 1) == (8, 1)
    assert shared_out(0, "cpu", 20, 3) == (2, 3)
    assert shared_out(1, "cpu", 20, "8") == (1, 8)
    with pytest.raises(InputError, match="--processes 4 with --threads 3 takes 12 cores, and there are 8"):
        shared_out(4, "cpu", 20, 3)
    with pytest.raises(InputError, match="--threads is 9: give auto, or 1 to 8"):
        shared_out(1, "cpu", 20, 9)
