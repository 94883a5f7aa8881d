import os
import subprocess
import sys

import pytest
import torch

from elmyr.core import machine
from elmyr.core.errors import ElmyrError, InputError

# Asks for five blocks of 12 MB at once and frees them, as an update does; prints how many pages the system gave.
PROGRAM = """
import resource, sys
from elmyr.core import machine
if sys.argv[1] == "kept":
    machine.keep_freed_memory()
def round():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [bytearray(b"1") * (12 << 20) for _ in range(5)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
round()
round()
print(round())
"""


def printed(program: str, *words: str, **environment: str) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", program, *words]
    return subprocess.run(command, env=plain | environment, capture_output=True, text=True, check=True).stdout.strip()


def test_memory_that_runs_out_is_told_in_one_line_and_other_errors_pass() -> None:
    told = r"^the memory has no room for so much: take less$"
    with pytest.raises(ElmyrError, match=told), machine.room_for("so much", mend="take less"):
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="shape"), machine.room_for("so much", mend="take less"):
        torch.empty(2, 3).view(7)


@pytest.mark.skipif(not machine.keeps_freed_memory(), reason="another C library than glibc, or settings of its own")
def test_freed_memory_is_kept() -> None:
    assert int(printed(PROGRAM, "kept")) < int(printed(PROGRAM, "plain")) / 10


@pytest.mark.parametrize(
    "setting", [{"MALLOC_TRIM_THRESHOLD_": "131072"}, {"GLIBC_TUNABLES": "glibc.malloc.trim_threshold=131072"}]
)
def test_settings_of_the_user_are_left_alone(setting: dict[str, str]) -> None:
    assert printed("from elmyr.core import machine; print(machine.keeps_freed_memory())", **setting) == "False"


@pytest.mark.parametrize(
    ("name", "gpus", "told"),
    [
        ("gpu", 1, "did you mean 'cuda'?"),
        ("GPU:1", 2, "did you mean 'cuda:1'?"),
        ("0", 1, "did you mean 'cuda:0'?"),
        ("cuda:9", 2, "choose from: auto, cpu, cuda, cuda:0, cuda:1"),
        ("tpu", 0, "choose from: auto, cpu"),
        ("gpu", 0, "torch finds no GPU here; choose from: auto, cpu"),
        ("cuda:0", 0, "torch finds no GPU here; choose from: auto, cpu"),
    ],
)
def test_a_device_that_is_not_there_is_answered_with_one_that_is(
    name: str, gpus: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine of any kind: how many GPUs torch finds is all that is asked of it."""

    def no_device(word: str) -> torch.device:
        raise RuntimeError(word)

    monkeypatch.setattr(machine.torch, "device", no_device)
    monkeypatch.setattr(machine.torch.cuda, "is_available", lambda: False)  # so that "cuda" itself is not taken
    monkeypatch.setattr(machine.torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(InputError) as raised:
        machine.choose_device(name)
    assert str(raised.value) == f"this machine has no device '{name}': {told}"
