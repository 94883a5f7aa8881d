"""How the program ends where a signal comes late."""

import signal

import pytest

from elmyr.cli import app


def test_a_signal_while_an_error_is_told_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torchrun sends it to a process that has seen another one end."""
    told: list[str] = []

    def slowly(text: str) -> None:
        signal.raise_signal(signal.SIGTERM)
        told.append(text)

    monkeypatch.setattr(app, "show_error", slowly)
    monkeypatch.setattr("sys.argv", ["elmyr", "resume", "no such run"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2 and "no such run" in told[0]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
