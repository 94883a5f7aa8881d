"""Progress on stderr: a bar in a terminal or a notebook, elsewhere one line every half minute."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

HALF_A_MINUTE = 30.0


class Listener(Protocol):
    """What hears of progress."""

    def advance(self, position: int) -> None:
        """Called after each update with the images seen."""
        ...


class Silence:
    """Hears and says nothing."""

    def advance(self, position: int) -> None:
        """Nothing."""


class Face(Protocol):
    """Where progress is shown. `pause`: the seconds between two looks; `stays`: whether the last one is left there."""

    pause: float
    stays: bool

    def show(self, share: float, words: str) -> None:
        """Shows the share done, from 0 to 1, and what is said of it."""
        ...

    def close(self) -> None:
        """Takes away what would be in the way afterwards."""
        ...


class Lines:
    """One line now and then: for a log, as of nohup, cron and CI."""

    pause, stays = HALF_A_MINUTE, False

    def __init__(self, what: str) -> None:
        self._what = what

    def show(self, share: float, words: str) -> None:
        """Writes the line."""
        print(f"{self._what}: {words}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leaves the lines."""


class TerminalBar:
    """A bar that is gone at the end."""

    pause, stays = 0.2, False

    def __init__(self, what: str) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}", style="dim")
        self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(what, total=1.0, words="")
        self._bar.start()

    def show(self, share: float, words: str) -> None:
        """Draws the bar."""
        self._bar.update(self._task, completed=share, words=words)

    def close(self) -> None:
        """Removes it."""
        self._bar.stop()


class NotebookBar:
    """A bar under the cell of a notebook, drawn by the browser: without ipywidgets, which not every notebook has."""

    pause, stays = 0.5, True

    def __init__(self, what: str) -> None:
        from IPython.display import HTML, display

        self._what, self._html = html.escape(what), HTML
        self._shown: Any = display(HTML(self._what), display_id=True)

    def show(self, share: float, words: str) -> None:
        """Draws the bar in the place of the one before."""
        bar = f'<progress value="{share:.4f}" max="1"></progress>'
        self._shown.update(self._html(f"{self._what} {bar} {html.escape(words)}"))

    def close(self) -> None:
        """Leaves the last one."""


class Progress:
    """The progress of one piece of work, to be entered: share done, speed and time left.

    what: its name. total: where it ends. unit: what it counts. face: where it is shown, the one that suits where None.
    """

    def __init__(
        self,
        what: str,
        *,
        total: int,
        unit: str = "images",
        face: Callable[[str], Face] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._total, self._unit, self._clock = what, total, unit, clock
        self._new_face = face or suitable_face()
        self._face: Face | None = None
        self._first: tuple[float, int] | None = None
        self._position, self._shown = 0, 0.0

    def advance(self, position: int) -> None:
        """Shows it now and then; cheap to call at every update."""
        now, self._position = self._clock(), position
        if self._first is None:
            self._first = now, position
        if self._face is None or now - self._shown < self._face.pause:
            return
        self._shown = now
        began, start = self._first
        speed = (position - start) / (now - began) if now > began else 0.0
        self._show(speed)

    def _show(self, speed: float) -> None:
        assert self._face is not None
        self._face.show(min(1.0, self._position / max(self._total, 1)), self._words(self._position, speed))

    def _words(self, position: int, speed: float) -> str:
        words = [f"{position:,} of {self._total:,} {self._unit}"]
        if speed > 0:
            words += [f"{speed:,.0f}/s"] if speed >= 1 else []
            words += [f"{told(max(0, self._total - position) / speed)} left"]
        return ", ".join(words)

    def __enter__(self) -> Self:
        self._face, self._shown = self._new_face(self._what), self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._face is not None
        if kind is None and self._face.stays:
            self._show(0.0)
        self._face.close()
        self._face = None


def shown(what: str, *, total: int, unit: str = "images", quiet: bool) -> AbstractContextManager[Listener | None]:
    """A `Progress`, or none where it is to be quiet."""
    return nullcontext() if quiet else Progress(what, total=total, unit=unit)


def suitable_face() -> Callable[[str], Face]:
    """The bar of a notebook or of a terminal where stderr is one, else lines."""
    if in_notebook():
        return NotebookBar
    return TerminalBar if Console(stderr=True).is_terminal else Lines


def in_notebook() -> bool:
    """Whether this is a notebook's kernel, of Jupyter, Colab or an editor."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def told(seconds: float) -> str:
    """A time as people say it: "40 seconds", "8 minutes", "2 hours 5 minutes"."""
    if seconds < 90:
        return _many(round(seconds), "second")
    minutes = round(seconds / 60)
    if minutes < 90:
        return _many(minutes, "minute")
    hours, minutes = divmod(minutes, 60)
    return _many(hours, "hour") + (f" {_many(minutes, 'minute')}" if minutes else "")


def _many(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"
