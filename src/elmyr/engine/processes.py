"""Several processes, one training: what each of them takes of a batch, and how they agree.

Started by `torchrun`. What they agree on goes by gloo, from memory of the CPU, so that no device is waited for; tensors
on a GPU, as gradients, go by the GPUs' own back end. One process is the special case of n: every function here then
gives back what it got. The batch is the same whatever the number of processes, and what is random in it is drawn for
the whole.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import torch
from torch import distributed
from torch.distributed.rendezvous import rendezvous

from elmyr.core.errors import ElmyrError, InputError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

PATIENCE = timedelta(minutes=10)  # for a process that computes what the others wait for
BACKENDS = {"cuda": "nccl"}  # what passes on a device's tensors, by its type, where gloo does not
MET_EVERY = 0.01  # seconds between two looks for processes that are to come
AT_ONCE = 1 << 28  # bytes that the first process tells in one message


class Processes:
    """The group that this process trains in, as one of `count`, number `rank`; the one of rank 0 writes."""

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count
        self._groups: dict[str, distributed.ProcessGroup] = {}  # of devices with a back end of their own

    def reach(self, device: str, backends: Mapping[str, str] = BACKENDS) -> None:
        """Gets ready to pass on tensors of the device that this process computes on; all processes call it.

        InputError where they compute on devices of several types.
        """
        if self.count == 1:
            return
        kind = torch.device(device).type
        first = self.told_by_first(lambda: kind.encode()).decode()
        if any(self.most(kind != first)):
            raise InputError("some processes compute on the CPU and some on a GPU: give all the same, as --device cpu")
        if kind in backends:
            with _one_line():
                self._groups[kind] = distributed.new_group(backend=backends[kind], timeout=PATIENCE)

    @property
    def writes(self) -> bool:
        """Whether this process writes the run's files."""
        return self.rank == 0

    def share(self, images: int) -> slice:
        """Which images of a batch of so many are this process's: all of them where they cannot be parted evenly."""
        if images % self.count:
            return slice(0, images)
        each = images // self.count
        return slice(self.rank * each, (self.rank + 1) * each)

    def average_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Puts the mean of all processes' gradients in the place of each: one message for all of them."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.count == 1 or not gradients:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        self._reduced(flat, distributed.ReduceOp.SUM)
        flat /= self.count
        for gradient, part in zip(
            gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over all processes; gradients pass through it, so that those averaged afterwards are the whole's."""
        if self.count == 1:
            return values
        mean: torch.Tensor = _Mean.apply(values, self)  # type: ignore[no-untyped-call]  # torch's own
        return mean

    def mean_of(self, values: torch.Tensor) -> torch.Tensor:
        """The mean (0-d) of the values (N,) of all processes, as many in each."""
        return self.mean(values.mean())

    def of_all(self, values: torch.Tensor, images: int) -> torch.Tensor:
        """The values (N, …) of the whole batch of so many images, of which this process has its share."""
        if self.count == 1 or images % self.count:
            return values
        own = values.contiguous()
        parts = [torch.empty_like(own) for _ in range(self.count)]
        with _one_line():
            distributed.all_gather(parts, own, group=self._groups.get(own.device.type))
        return torch.cat(parts)

    def most(self, *values: int) -> list[int]:
        """The largest of each value over all processes."""
        if self.count == 1:
            return list(values)
        found = self._reduced(torch.tensor(values), distributed.ReduceOp.MAX)
        return [int(value) for value in found]

    def of_first(self, number: float) -> float:
        """The number that the first process found."""
        if self.count == 1:
            return number
        told = torch.tensor(number if self.writes else 0.0, dtype=torch.float64)
        return float(self._reduced(told, distributed.ReduceOp.SUM))

    def told_by_first(self, make: Callable[[], bytes]) -> bytes:
        """What the first process makes, and no other, for all of them; an InputError of its making is raised in all."""
        if self.count == 1:
            return make()
        content, refused = b"", False
        if self.writes:
            try:
                content = make()
            except InputError as error:
                content, refused = str(error).encode(), True
        length, refusing = self.most(len(content), refused)
        told = np.frombuffer(content, np.uint8).copy() if self.writes else np.empty(length, np.uint8)
        for start in range(0, length, AT_ONCE):
            with _one_line():
                distributed.broadcast(torch.from_numpy(told[start : start + AT_ONCE]), 0)
        if refusing:
            raise InputError(told.tobytes().decode())
        return told.tobytes()

    def _reduced(self, values: torch.Tensor, by: distributed.ReduceOp.RedOpType) -> torch.Tensor:
        with _one_line():
            distributed.all_reduce(values, by, group=self._groups.get(values.device.type))
        return values

    def wait(self) -> None:
        """Until all processes are here."""
        self.most(0)


ALONE = Processes()


def launched() -> tuple[int, int]:
    """The number of this process, from 0 on, among those that `torchrun` started, and how many these are."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or not distributed.is_torchelastic_launched():
        return 0, 1
    return int(os.environ["RANK"]), count


@contextmanager
def joined() -> Iterator[Processes]:
    """The group that `torchrun` started this process in; this process alone where it did not."""
    if launched()[1] == 1:
        yield ALONE
        return
    with _one_line():
        store, rank, count = next(rendezvous("env://", timeout=PATIENCE))
        attempt = distributed.PrefixStore(_met(store, rank, count), store)  # type: ignore[attr-defined]  # it is there
        distributed.init_process_group("gloo", store=attempt, rank=rank, world_size=count, timeout=PATIENCE)
    try:
        processes = Processes(rank, count)
        yield processes
        processes.wait()  # none leaves while another still works
    finally:
        distributed.destroy_process_group()


def _met(store: Store, rank: int, count: int) -> str:
    """A name for this group, once all of its processes have heard it from the first one.

    A group that was started again finds what the one before it left in the same store. torchrun counts the restarts of
    each machine for itself, so that its number is no name: each process says hello by a word that nobody has said
    before, and is answered.
    """
    own, deadline = uuid4().hex, time.monotonic() + PATIENCE.total_seconds()
    if rank:
        store.set(f"hello {rank}", own)
        name: str = store.get(f"welcome {own}").decode()
        store.set(f"here {rank} {name}", "")
        return name
    for other in range(1, count):
        while not store.check([f"here {other} {own}"]):
            if store.check([f"hello {other}"]):  # maybe of a process that has ended; then another hello will follow
                store.set(f"welcome {store.get(f'hello {other}').decode()}", own)
            if time.monotonic() > deadline:
                raise RuntimeError(f"process {other} did not come")
            time.sleep(MET_EVERY)
    return own


def was_restarted() -> bool:
    """Whether `torchrun` has started this process again, after one of the group had ended: on one machine at least."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def refuse_odd_parts(shared: Mapping[str, int], count: int) -> None:
    """InputError for a batch, or a part of it by its name, that cannot be shared evenly."""
    for name, images in shared.items():
        if images % count:
            raise InputError(f"{name} is {images}: {count} processes take one that is a multiple of {count}")


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, group: Processes) -> torch.Tensor:
        ctx.group = group
        whole = values.clone(memory_format=torch.contiguous_format)
        reduced: torch.Tensor = group._reduced(whole, distributed.ReduceOp.SUM)
        return reduced / group.count

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.group.mean(gradient), None


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        why = re.sub(r"^\[\S+\] ", "", str(error).splitlines()[0]).partition(". ")[0]  # no place in gloo's source
        raise ElmyrError(
            f"another process of the group is gone ({why}): see what it said, and resume the run"
        ) from None
