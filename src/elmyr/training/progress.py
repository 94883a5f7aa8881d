"""The progress bar on stderr: share done, images a second, time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

REDRAW_SECONDS = 0.2


class Listener(Protocol):
    """What hears of progress."""

    def advance(self, position: int) -> None:
        """Called after each update with the images seen."""
        ...


class Silence:
    """Hears and says nothing."""

    def advance(self, position: int) -> None:
        """Nothing."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} images/s" if task.speed else "", style="dim")


class ProgressBar:
    """A bar for one training; without a terminal nothing is drawn."""

    def __init__(self, what: str, *, total: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            _Rate(),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task(what, total=total)
        self._drawn = 0.0

    def advance(self, position: int) -> None:
        """Redraws now and then; cheap to call at every update."""
        now = time.monotonic()
        if now - self._drawn > REDRAW_SECONDS:
            self._drawn = now
            self._progress.update(self._task, completed=position)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
