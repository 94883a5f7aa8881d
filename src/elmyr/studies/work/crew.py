"""The seam between work that falls into pieces and who does them: the processes of this machine, or of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar


class Piece(Protocol):
    """A piece of work; hashable, and sent to the process that does it."""

    def needs(self) -> Collection[Self]:
        """The pieces that have to be done before it."""
        ...


P_in = TypeVar("P_in", contravariant=True)
D_out = TypeVar("D_out", covariant=True)


class Worker(Protocol[P_in, D_out]):
    """Does pieces of work, one after the other."""

    def perform(self, piece: P_in) -> D_out:
        """Does a piece; gives what the process that began hears of it."""
        ...


class OfMachine(Protocol):
    """What the config of a work says of who does it."""

    @property
    def processes(self) -> int:
        """How many pieces are done at once."""
        ...

    @property
    def threads(self) -> int:
        """Of each process."""
        ...

    @property
    def device(self) -> str:
        """That the work is computed on."""
        ...


@dataclass(frozen=True)
class Pool:
    """Processes that work on a directory. worker: makes, of the directory, what does pieces in each process.

    called: what people call the work. quiet: whether nothing shows how many pieces are done. device: that the work is
    computed on.
    """

    folder: Path
    worker: Callable[[Path], Worker[Any, Any]]
    called: str
    processes: int
    threads: int
    quiet: bool = True
    device: str = "cpu"

    @classmethod
    def of(
        cls, folder: Path, worker: Callable[[Path], Worker[Any, Any]], called: str, config: OfMachine, quiet: bool
    ) -> Self:
        """As the config of the work has it."""
        return cls(folder, worker, called, config.processes, config.threads, quiet, config.device)


class Crew(Protocol):
    """Who does pieces of work, several at once."""

    def submit(self, piece: Any) -> Future[Any]:
        """Begins a piece."""
        ...

    def outcome(self, future: Future[Any]) -> Any:
        """What came of a piece that has ended; raises the ElmyrError that it ended by."""
        ...
