"""How the program ends where a signal comes late."""

import signal
import subprocess
import sys

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


def test_ctrl_c_before_the_commands_are_loaded_ends_in_one_line() -> None:
    script = """
import sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == "elmyr.cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Impatient())
from elmyr.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "elmyr: stopped\n")
