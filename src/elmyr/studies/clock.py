"""How far work that falls into pieces is, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Generic, Protocol, TypeVar

from elmyr.engine.progress import told


class Timed(Protocol):
    """A piece of work whose time is told by others': those that do the same take about as long."""

    @property
    def what(self) -> str:
        """What it does."""
        ...


P = TypeVar("P", bound=Timed)


def counted(count: int) -> str:
    """ "3 pieces" """
    return f"{count:,} piece{'s' if count != 1 else ''}"


class Clock(Generic[P]):
    """How much is done and how long the rest takes, by how long pieces of the same kind took."""

    def __init__(self, pieces: Sequence[P], done: Collection[P], processes: int) -> None:
        self.processes = processes
        self.left = [piece for piece in pieces if piece not in done]
        self.spent: dict[str, list[float]] = {}
        self.began, self.whole = time.monotonic(), 0.0

    def told(self, piece: P, seconds: float) -> str:
        """ " (3 of 40 left, about 5m)" after a piece is done; without a time until each kind was seen."""
        self.left.remove(piece)
        self.spent.setdefault(piece.what, []).append(seconds)
        self.whole += seconds
        if not self.left:
            return ""
        unknown = {each.what for each in self.left} - self.spent.keys()
        if unknown:
            return f" ({counted(len(self.left))} left)"
        means = {what: sum(spent) / len(spent) for what, spent in self.spent.items()}
        at_once = min(self.processes, max(1.0, self.whole / max(time.monotonic() - self.began, 1e-9)))
        return f" ({counted(len(self.left))} left, about {told(sum(means[each.what] for each in self.left) / at_once)})"
