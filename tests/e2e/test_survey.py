"""The survey and the report as a user runs them: a real process, a real page, Ctrl-C; bad input in one line."""

import json
import re
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from elmyr import train
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.people.survey import Survey, identity_of
from elmyr.images import save_npz
from elmyr.tasks.gan.model import GAN
from tests.conftest import small_image_set
from tests.e2e.test_bad_input import told
from tests.program import Program


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    save_npz(small_image_set(), folder / "blobs.npz")
    settings = {"network.base": 8, "batch": 16}
    return train(folder / "blobs.npz", out=folder / "run", images=64, settings=settings, device="cpu").path


def test_the_page_is_served_until_ctrl_c_and_the_answers_are_told(run: Path) -> None:
    process = Program("survey", run, "--port", "0", "--questions", "4", "--json")
    found = re.search(r"http://127\.0\.0\.1:\d+/", process.told("http"))
    assert found is not None
    with urllib.request.urlopen(found[0], timeout=60) as page:
        assert b"Real or generated?" in page.read()
    survey = Survey(run / "survey.sqlite", identity_of(RunDirectory(run)), ["a"] * 30, questions=4)  # as its server has
    seat = survey.take_seat("Ann")
    while question := survey.standing(seat).question:
        survey.answer(seat, question.number, 1, 0.5)
    process.send_signal(signal.SIGINT)
    done = process.end(within=60)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    (results,) = ended["results"]
    assert results["generated"] | {"low": 0, "high": 0} == {
        "name": "generated", "taken": 2, "count": 2, "share": 1.0, "low": 0, "high": 0
    }  # fmt: skip
    assert "Ann" in Path(ended["report"]).read_text(encoding="utf-8")


def not_loaded(*_: Any, **__: Any) -> None:
    raise AssertionError("the generator was loaded for a survey that cannot be")


def test_what_a_survey_cannot_ask_is_one_line_before_anything_is_sampled(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GAN, "load", not_loaded)
    (run / "survey.sqlite").unlink(missing_ok=True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = told(capsys, monkeypatch, "survey", run, "--port", port)
    assert f"port {port} is in use" in line and "--next-port" in line
    for words, expected in (
        (["--questions", "7"], "even number"),
        (["--questions", "1000"], "at most"),
        (["--port", "70000"], "from 0 to 65535"),
        (["--seats", "0"], "--seats"),
        (["--lang", "xx"], "no language 'xx'"),
    ):
        assert expected in told(capsys, monkeypatch, "survey", run, *words)
    assert not (run / "survey.sqlite").exists()
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "config.json").write_bytes((run / "config.json").read_bytes())
    for more in ([], ["--results"]):
        assert "no generated images" in told(capsys, monkeypatch, "survey", unfinished, *more)
    (unfinished / "model").mkdir()
    for file in (run / "model").iterdir():
        (unfinished / "model" / file.name).write_bytes(file.read_bytes())
    Survey(unfinished / "survey.sqlite", "another run", ["a"] * 30)
    for more in ([], ["--results"]):
        assert "another run or training" in told(capsys, monkeypatch, "survey", unfinished, *more)
    assert "no language" in told(capsys, monkeypatch, "report", run, "--lang", "english")
    assert "suffix .html" in told(capsys, monkeypatch, "report", run, "--out", tmp_path / "page.pdf")
    assert "neither a run nor a study" in told(capsys, monkeypatch, "report", tmp_path)
