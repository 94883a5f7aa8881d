"""How far work that falls into pieces is, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from elmyr.engine.progress import told


class Timed(Protocol):
    """A piece of work whose time is told by others': those that do the same take about as long."""

    @property
    def what(self) -> str:
        """What it does."""
        ...


NAMED = 2  # pieces that are left
P = TypeVar("P", bound=Timed)


def counted(count: int) -> str:
    """ "3 pieces" """
    return f"{count:,} piece{'s' if count != 1 else ''}"


class Clock(Generic[P]):
    """How much is done and how long the rest takes, by how long pieces of the same kind took.

    before: how long pieces took that are done, by what they do. short: what is so short beside the rest, or comes so
    rarely, that nobody waits for the first of it: it counts as the mean of the others.
    """

    def __init__(
        self,
        pieces: Sequence[P],
        done: Collection[P],
        processes: int,
        before: Iterable[tuple[str, float]] = (),
        short: Collection[str] = (),
    ) -> None:
        self.processes, self.short = processes, short
        self.left = [piece for piece in pieces if piece not in done]
        self.spent: dict[str, list[float]] = {}
        for what, seconds in before:
            self.spent.setdefault(what, []).append(seconds)
        self.began, self.whole = time.monotonic(), 0.0

    def told(self, piece: P, seconds: float) -> str:
        """ " (40 pieces left, about 5m)" after a piece is done; without a time until each kind was seen.

        The last few are named, so that nobody wonders what is still going on.
        """
        self.left.remove(piece)
        self.spent.setdefault(piece.what, []).append(seconds)
        self.whole += seconds
        if not self.left:
            return ""
        kinds = list(dict.fromkeys(each.what for each in self.left))
        named = f": {', '.join(kinds)}" if len(self.left) <= NAMED else ""
        if set(kinds) - self.spent.keys() - set(self.short):
            return f" ({counted(len(self.left))} left{named})"
        means = {what: sum(spent) / len(spent) for what, spent in self.spent.items()}
        of_any = sum(means.values()) / len(means)
        at_once = min(self.processes, max(1.0, self.whole / max(time.monotonic() - self.began, 1e-9)))
        seconds = sum(means.get(each.what, of_any) for each in self.left) / at_once
        return f" ({counted(len(self.left))} left, about {told(seconds)}{named})"
