"""The machine that the work runs on: its device, its precision, and the record of both."""

from __future__ import annotations

import ctypes
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from elmyr.core.errors import ElmyrError, InputError, suggestion

NOT_TWICE = "does not have a deterministic implementation"  # how torch says it
NO_MEMORY = ("can't allocate memory", "not enough memory")  # how torch says it of a CPU
UNNUMBERED = ("auto", "cuda")
PRECISIONS = ("auto", "bf16", "fp32")
RESIDENT = 0.5  # share of a GPU's free memory that a set of images may take; the rest is for networks and their maps
GPU_WORDS = ("gpu", "nvidia", "cuda")
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's numbers of these options


def choose_device(name: str | int | torch.device = "auto") -> torch.device:
    """`auto` is the current CUDA device where there is one, else the CPU; any name that torch knows is taken.

    A number is that of a CUDA device, as in torch. Of several processes that `torchrun` started on a machine each takes
    a GPU of its own, by its local number, as its current one; InputError where they are more than the GPUs.
    """
    name = _named(name)
    if name in UNNUMBERED and torch.cuda.is_available():
        number, count = local_place()
        if count > 1:
            torch.cuda.set_device(_own_gpu(number, count, torch.cuda.device_count()))
        return torch.device("cuda", torch.cuda.current_device())  # another thread's "cuda" may be another one
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise InputError(f"this machine has no device '{name}': {_devices_for(name)}") from None
    return device


def local_place() -> tuple[int, int]:
    """The number of this process, from 0 on, among those of this machine under `torchrun`, and how many these are."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 1
    return int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def refuse_shared_gpu(name: str | int | torch.device) -> None:
    """InputError for a GPU by its number, where several processes of this machine would train on it."""
    count, name = local_place()[1], _named(name)
    if count > 1 and name.startswith("cuda:"):
        raise InputError(
            f"--device {name} is one GPU for {count} processes: --device cuda gives each of them its own (which ones: "
            "CUDA_VISIBLE_DEVICES)"
        )


def _own_gpu(number: int, count: int, gpus: int) -> int:
    """Which of the GPUs of a machine is that of one of `count` processes on it."""
    if count > gpus:
        these = "1 GPU" if gpus == 1 else f"{gpus} GPUs"
        raise InputError(
            f"{count} processes are started on a machine with {these}: give torchrun --nproc-per-node {gpus}, or "
            "compute with --device cpu"
        )
    return number


def _named(name: str | int | torch.device) -> str:
    return f"cuda:{name}" if isinstance(name, int) else str(name)


def _devices_for(name: str) -> str:
    """What can be asked for in place of a device that is not there."""
    count = torch.cuda.device_count()
    word, _, number = name.casefold().partition(":")
    number = word if word.isdecimal() else number
    if number == word or word in GPU_WORDS:
        if not count:
            return "torch finds no GPU here; choose from: auto, cpu"
        name = f"cuda:{number}" if number else "cuda"
    known = ["auto", "cpu", *(["cuda"] if count else []), *(f"cuda:{each}" for each in range(count))]
    return f"did you mean '{name}'?" if name in known else f"choose from: {', '.join(known)}"


def choose_precision(name: str, device: torch.device) -> str:
    """`auto` is bf16 where the device computes it natively, else fp32; asked of the machine, never assumed."""
    if name not in PRECISIONS:
        raise InputError(f"no precision '{name}': {suggestion(name, PRECISIONS)}")
    if name != "auto":
        return name
    return "bf16" if _has_native_bf16(device) else "fp32"


def _has_native_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # not in every torch
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Mixed precision: the arithmetic in `precision`, the weights in fp32."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


@contextmanager
def without_tf32() -> Iterator[None]:
    """Inside, a GPU computes products of fp32 in fp32: torch lets its convolutions round to TF32's ten bits."""
    convolutions = torch.backends.cudnn.conv  # type: ignore[attr-defined]  # torch makes it when it is imported
    kinds = convolutions, torch.backends.cuda.matmul
    before = [kind.fp32_precision for kind in kinds]
    for kind in kinds:
        kind.fp32_precision = "ieee"
    try:
        yield
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision


def full_precision(values: torch.Tensor) -> torch.Tensor:
    """What came of mixed precision, or of whole numbers, in torch's default float type."""
    return values.to(torch.get_default_dtype())


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """What was drawn or read on the CPU, on the device that computes; the program does not wait for a GPU to have it.

    Only from pinned memory is a copy made beside the GPU's work. The memory is torch's own, and is not given to others
    before the copy is done.
    """
    waits = device.type != "cuda" or values.device.type != "cpu"
    return values.to(device) if waits else values.pin_memory().to(device, non_blocking=True)


def keeps_resident(size: int, device: torch.device) -> bool:
    """Whether a GPU has room for so many bytes of images, which would otherwise be read from the disk."""
    return device.type == "cuda" and size <= RESIDENT * torch.cuda.mem_get_info(device)[0]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Inside, torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_order_of_sums(wanted: bool) -> Iterator[None]:
    """Inside, where wanted, sums are taken in one order: on one thread, by algorithms that repeat to the bit.

    InputError for an operation that has no such algorithm on its device, as some have not on a GPU.
    """
    if not wanted:  # the switch that is set below imports torch's compiler
        yield
        return
    strict = torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # CUDA's own condition for it
    torch.use_deterministic_algorithms(True)
    try:
        with threads(1):
            yield
    except RuntimeError as error:
        if NOT_TWICE not in str(error):
            raise
        raise InputError(
            f"torch computes {str(error).split()[0]} here in an order that is not the same twice: leave out "
            "--deterministic, or pass --device cpu"
        ) from None
    finally:
        torch.use_deterministic_algorithms(strict)


@contextmanager
def room_for(what: str, *, mend: str) -> Iterator[None]:
    """Where torch finds no memory inside: ElmyrError for `what`, with a way out. A system may end the process first."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and not any(words in str(error) for words in NO_MEMORY):
            raise
        raise ElmyrError(f"the memory has no room for {what}: {mend}") from None


def keep_freed_memory() -> None:
    """From now on the C library keeps freed blocks of up to 32 MB, 1 GB in all, for the next ones.

    An update frees and asks for the same blocks over and over, and pages that come from the system are filled with
    zeros first, which on a CPU takes time from every update. The process stays as large as it once was, up to that.
    Where the C library is another than glibc, or the environment sets its options (`MALLOC_…`, `GLIBC_TUNABLES`),
    nothing changes.
    """
    set_option = _malloc_option()
    if set_option:
        set_option(_MMAP_THRESHOLD, 32 << 20)
        set_option(_TRIM_THRESHOLD, 1 << 30)


def keeps_freed_memory() -> bool:
    """Whether `keep_freed_memory` does anything here."""
    return _malloc_option() is not None


def _malloc_option() -> Callable[[int, int], int] | None:
    """glibc's `mallopt`; None where there is none, or the user has set its options."""
    stated = any(name.startswith("MALLOC_") for name in os.environ) or "malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if stated or not sys.platform.startswith("linux"):
        return None
    option: Callable[[int, int], int] | None = getattr(ctypes.CDLL(None), "mallopt", None)
    return option


def environment() -> dict[str, Any]:
    """What is needed to repeat a figure: versions and machine, as JSON values."""
    return {
        "elmyr": version("elmyr"),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "threads": torch.get_num_threads(),
        "git_commit": _git_commit(),
        "command": _command(),
    }


def _command() -> str | None:
    """The words that started the program; None where elmyr is used from Python."""
    program = Path(sys.argv[0])
    is_elmyr = program.stem == "elmyr" or (program.stem, program.parent.name) == ("__main__", "elmyr")
    return shlex.join(["elmyr", *sys.argv[1:]]) if is_elmyr else None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _git_commit() -> str | None:
    """The commit of elmyr itself where it runs from a checkout."""
    here = Path(__file__).resolve().parents[3]
    if not (here / ".git").exists():
        return None
    try:
        command = ["git", "-C", os.fspath(here), "rev-parse", "HEAD"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
