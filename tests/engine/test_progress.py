"""Progress is shown where people look: a bar in terminals and notebooks, a line every half minute in logs."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from elmyr.engine.progress import Lines, NotebookBar, Progress, TerminalBar, shown, suitable_face, told


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_log_hears_one_line_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("run", total=200_000, face=Lines, clock=clock) as progress:
        for second in range(0, 95):
            clock.now = second
            progress.advance(310 * second)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "run: 9,300 of 200,000 images, 310/s, 10 minutes left",
        "run: 18,600 of 200,000 images, 310/s, 10 minutes left",
        "run: 27,900 of 200,000 images, 310/s, 9 minutes left",
    ]


def test_a_short_piece_of_work_leaves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("run", total=10, quiet=False) as progress:
        assert progress is not None
        for position in range(11):
            progress.advance(position)
    assert capsys.readouterr().err == ""


def test_the_speed_of_a_resumed_run_counts_from_where_it_was_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("run", total=1_100, face=Lines, clock=clock) as progress:
        progress.advance(1_000)
        clock.now = 40
        progress.advance(1_040)
    assert capsys.readouterr().err == "run: 1,040 of 1,100 images, 1/s, 60 seconds left\n"


def test_the_bar_that_a_notebook_keeps_ends_at_the_end() -> None:
    class Kept:
        pause, stays, said = 30.0, True, ""

        def show(self, share: float, words: str) -> None:
            self.said = f"{share:g} {words}"

        def close(self) -> None:
            assert self.said

    face = Kept()
    with Progress("run", total=640, face=lambda what: face) as progress:
        progress.advance(600)
        progress.advance(640)
    assert face.said == "1 640 of 640 images"
    face.said = "where it was"
    with pytest.raises(ValueError, match="broken"), Progress("run", total=640, face=lambda what: face):
        raise ValueError("broken")
    assert face.said == "where it was"


def test_quiet_work_shows_nothing() -> None:
    with shown("run", total=10, quiet=True) as progress:
        assert progress is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (480, "8 minutes"),
        (3600 * 2, "2 hours"),
        (3600 * 2 + 300, "2 hours 5 minutes"),
        (3600, "60 minutes"),
    ],
)
def test_a_time_is_told_as_people_say_it(seconds: float, words: str) -> None:
    assert told(seconds) == words


def test_a_log_is_no_terminal() -> None:
    assert suitable_face() is Lines


def test_a_terminal_has_a_bar_that_is_gone_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert suitable_face() is TerminalBar
    clock = Clock()
    with Progress("run", total=100, clock=clock) as progress:
        progress.advance(0)
        clock.now = 2
        progress.advance(50)
    drawn = capsys.readouterr().err
    assert "50 of 100 images, 25/s, 2 seconds left" in drawn and drawn.endswith("\x1b[2K")


def test_a_notebook_has_a_bar_without_ipywidgets(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def display(what: str, display_id: bool) -> Any:
        drawn.append(what)
        return SimpleNamespace(update=drawn.append)

    shell = SimpleNamespace(kernel=object())
    showing = SimpleNamespace(HTML=str, display=display)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=showing))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "IPython.display", showing)  # type: ignore[arg-type]
    assert suitable_face() is NotebookBar
    clock = Clock()
    with Progress("<run>", total=100, clock=clock) as progress:
        progress.advance(0)
        clock.now = 2
        progress.advance(50)
    assert drawn == [
        "&lt;run&gt;",
        '&lt;run&gt; <progress value="0.5000" max="1"></progress> 50 of 100 images, 25/s, 2 seconds left',
        '&lt;run&gt; <progress value="0.5000" max="1"></progress> 50 of 100 images',
    ]
