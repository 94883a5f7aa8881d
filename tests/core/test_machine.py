import os
import subprocess
import sys

import pytest
import torch

from elmyr.core import machine
from elmyr.core.errors import ElmyrError, InputError
from elmyr.engine.spec import Asked

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


def of_group(monkeypatch: pytest.MonkeyPatch, number: int, count: int, gpus: int) -> list[int]:
    """As one of `count` processes of torchrun on a machine with so many GPUs; gives those that it made its own."""
    taken: list[int] = []
    words = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": str(number), "LOCAL_WORLD_SIZE": str(count)}
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(machine.torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(machine.torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(machine.torch.cuda, "set_device", taken.append)
    monkeypatch.setattr(machine.torch.cuda, "current_device", lambda: taken[-1] if taken else 0)
    return taken


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_each_process_of_a_machine_has_a_gpu_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        taken = of_group(monkeypatch, number, 3, gpus=4)
        assert str(machine.choose_device(name)) == f"cuda:{number}" and taken == [number]


def test_more_processes_than_gpus_are_refused_with_the_number_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    of_group(monkeypatch, 0, 4, gpus=2)
    with pytest.raises(InputError) as raised:
        machine.choose_device("auto")
    assert str(raised.value) == (
        "4 processes are started on a machine with 2 GPUs: give torchrun --nproc-per-node 2, or compute with "
        "--device cpu"
    )
    assert str(machine.choose_device("cpu")) == "cpu"


def test_without_a_gpu_and_without_a_group_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = of_group(monkeypatch, 1, 2, gpus=0)
    assert str(machine.choose_device("auto")) == "cpu" and not taken
    taken = of_group(monkeypatch, 0, 1, gpus=1)  # one on each of several machines
    assert str(machine.choose_device("auto")) == "cuda:0" and not taken
    taken = of_group(monkeypatch, 1, 2, gpus=2)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")  # variables that something else has left behind
    assert str(machine.choose_device("auto")) == "cuda:0" and not taken


@pytest.mark.parametrize("name", ["cuda:0", "cuda:1", 1])
def test_one_gpu_for_several_processes_is_refused_in_each_of_them(
    name: str | int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        of_group(monkeypatch, number, 2, gpus=2)
        with pytest.raises(InputError, match=r"^--device cuda:\d is one GPU for 2 processes: --device cuda gives each"):
            Asked(device=name).common("gan")  # type: ignore[arg-type]  # a number is taken, too
    of_group(monkeypatch, 0, 1, gpus=2)
    machine.refuse_shared_gpu(name)


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


class OnTheCpu:
    """Stands in for a tensor where there is no GPU: notes what is done to it."""

    def __init__(self, device: str = "cpu") -> None:
        self.device, self.done = torch.device(device), list[str]()

    def pin_memory(self) -> "OnTheCpu":
        self.done.append("pinned")
        return self

    def to(self, device: torch.device, non_blocking: bool = False) -> "OnTheCpu":
        self.done.append(f"to {device}{', not waited for' if non_blocking else ''}")
        return self


@pytest.mark.parametrize(
    ("begin", "end", "done"),
    [
        ("cpu", "cuda:1", ["pinned", "to cuda:1, not waited for"]),
        ("cuda", "cuda", ["to cuda"]),
        ("cpu", "cpu", ["to cpu"]),
        ("cpu", "mps", ["to mps"]),
    ],
)
def test_only_a_copy_to_a_gpu_is_not_waited_for_and_that_from_pinned_memory(
    begin: str, end: str, done: list[str]
) -> None:
    values = OnTheCpu(begin)
    machine.to_device(values, torch.device(end))  # type: ignore[arg-type]  # see above
    assert values.done == done


def test_a_gpu_keeps_a_set_that_half_of_its_free_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (1000, 4000))
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    kept = [machine.keeps_resident(size, device) for size, device in ((500, gpu), (501, gpu), (1, cpu))]
    assert kept == [True, False, False]


def test_products_are_whole_inside_and_as_before_outside() -> None:
    def precisions() -> list[str]:
        return [torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision]

    before = precisions()
    with pytest.raises(InputError), machine.without_tf32():
        assert precisions() == ["ieee", "ieee"]
        raise InputError("what happens inside changes nothing")
    assert precisions() == before and "ieee" not in before


def test_what_is_not_the_same_twice_is_refused_in_one_line() -> None:
    told = r"^torch computes put_ here in an order that is not the same twice: leave out --deterministic, or pass"
    with pytest.raises(InputError, match=told), machine.one_order_of_sums(True):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    with pytest.raises(RuntimeError, match="shape"), machine.one_order_of_sums(True):
        torch.empty(2, 3).view(7)
    assert not torch.are_deterministic_algorithms_enabled()
