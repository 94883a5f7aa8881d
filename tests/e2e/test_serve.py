"""`elmyr serve` where it cannot begin: one line that says what, where, and the mend."""

import builtins
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from elmyr.tasks.recognition import Recognizer
from tests.e2e.test_bad_input import told


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    Recognizer(base=8, dimension=16, device="cpu").initialize((8, 8, 1)).save(tmp_path / "reader")
    return tmp_path / "reader"


def test_what_cannot_be_served_is_one_line(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ELMYR_TOKEN", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = told(capsys, monkeypatch, "serve", saved, "--port", port)
    assert f"port {port} is in use" in line and "--next-port" in line
    for words, expected in (
        ([tmp_path / "nowhere"], "there is no run directory"),
        ([tmp_path], "is not a run directory"),
        ([saved, saved], "two models are named 'reader': name them, as NAME="),
        ([saved, "--port", "70000"], "from 0 to 65535"),
        ([saved, "--host", "0.0.0.0"], "set ELMYR_TOKEN (or --token)"),
        ([saved, "--host", "0.0.0.0", "--token", "short"], "at least 16"),
        ([saved, "--host", "no such host", "--token", "x" * 20], "leads nowhere"),
        ([saved, "--host", "192.0.2.1", "--token", "x" * 20], "no address of this machine"),
        ([saved, "--memory", "0"], "--memory"),
    ):
        assert expected in told(capsys, monkeypatch, "serve", *words)


@pytest.mark.parametrize("module", ["fastapi", "uvicorn", "prometheus_client"])
def test_a_missing_extra_is_one_line(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("elmyr.serving") or name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    original = builtins.__import__

    def without(name: str, *more: Any, **named: Any) -> Any:
        if name.split(".")[0] == module:
            raise ModuleNotFoundError(f"No module named '{module}'", name=module)
        return original(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert told(capsys, monkeypatch, "serve", saved) == f"elmyr: elmyr serve needs {module}: pip install 'elmyr[serve]'"


def test_a_model_that_is_removed_while_it_is_served_is_told_so(saved: Path, tmp_path: Path) -> None:
    from elmyr.serving.catalog import WorkerOptions, find_served
    from elmyr.serving.worker.models import Models
    from elmyr.serving.worker.operations import answer_together

    models = Models(WorkerOptions(find_served([str(saved)]), device="cpu"))
    shutil.rmtree(saved)
    (answer,) = answer_together(models, "reader", "recognize", [{}], [b""])
    assert answer.status == 410 and b"has been removed since it is served" in answer.content
