"""Notes about data: told as warnings, or kept; shown once a command."""

import warnings
from pathlib import Path

import pytest

from elmyr.cli.show import Warned
from elmyr.core.notes import DataWarning, Note, kept_notes, note


def test_a_note_is_a_warning_unless_notes_are_kept() -> None:
    with pytest.warns(Note, match="column 'a' was taken"):
        note("column 'a' was taken")
    with kept_notes() as kept:
        note("one")
        note("two")
        note("one")
    assert kept == ["one", "two"]
    with pytest.warns(Note, match="three"):
        note("three")


def test_the_program_shows_a_note_once_and_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", Warned())
        for text in ("a\nb", "a\nb", "c", f"'{tmp_path}/x' is odd", "'x' is odd"):
            note(text)
        warnings.warn("skipped", DataWarning, stacklevel=1)
        warnings.warn("not for users", ResourceWarning, stacklevel=1)
    assert capsys.readouterr().err.splitlines() == [
        "elmyr: note: a b",
        "elmyr: note: c",
        "elmyr: note: 'x' is odd",
        "elmyr: warning: skipped",
    ]


def test_of_a_group_of_processes_the_first_alone_tells_of_the_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    shown = Warned()
    shown("c", Note, "", 1)
    shown("d", UserWarning, "", 1)
    assert capsys.readouterr().err == "elmyr: warning: d\n"
