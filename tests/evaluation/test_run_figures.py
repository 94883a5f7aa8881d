"""What a restorer's and a translator's run keep of their figures, and what their reports show of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from elmyr import Recognizer
from elmyr.core.files import read_json
from elmyr.core.notes import Note
from elmyr.engine import RunDirectory
from elmyr.evaluation.of_tasks.run_figures import evaluate_restorer, evaluate_translator
from elmyr.images import load_images, save_npz
from elmyr.report import write_report
from elmyr.tasks.recognition import train_recognizer
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.e2e.test_bad_input import told as refused
from tests.tasks.recognition.test_runs import call


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    tiny = {"widths": (8, 8)}
    train_restorer("digits", out=folder / "restorer", images=32, settings=tiny, device="cpu", quiet=True)
    train_translator(
        "digits", "digits-thick", method="paired", out=folder / "pairs", images=32, settings=tiny, device="cpu",
        quiet=True,
    )  # fmt: skip
    train_recognizer("digits", Recognizer(updates=2, base=8, dimension=8, device="cpu"), out=folder / "reader")
    return folder


def test_a_restorer_keeps_its_figures_and_its_report_shows_them_with_their_command(runs: Path) -> None:
    run, reader = runs / "restorer", runs / "reader"
    judgment = evaluate_restorer(run, recognizer=reader, damages=["noise:0.3"], limit=40, device="cpu")
    kept = read_json(run / "evaluation.json")
    assert kept["rows"] == json.loads(json.dumps(judgment.as_json()["rows"]))
    assert (kept["part"], kept["count"], kept["data"]) == ("test", 40, "digits")
    damaged, repaired = judgment.rows[0].methods
    assert [figure["value"] for figure in kept["figures"]] == [repaired.psnr, damaged.psnr]
    told = write_report(run).read_text(encoding="utf-8")
    command = f"elmyr restorer evaluate {run} --recognizer {reader} --limit 40 --corruption noise:0.3"
    assert command in told and "40 test images of digits, damaged and repaired" in told
    assert f"{repaired.psnr:.2f}" in told and f"{repaired.error:.2%}".replace("%", " %") in told
    assert "Not measured yet" not in told
    other = evaluate_restorer(run, damages=["noise:0.3"], part="validation", limit=20, device="cpu")
    assert read_json(run / "evaluation.json") == kept
    assert read_json(run / "evaluation-validation.json")["count"] == other.count == 20
    assert "20 validation images of digits" in write_report(run).read_text(encoding="utf-8")


def test_a_translator_keeps_the_figures_of_each_direction(runs: Path) -> None:
    run, reader = runs / "pairs", runs / "reader"
    judgment = evaluate_translator(run, recognizer=reader, limit=30, device="cpu")
    kept = {figure["name"]: figure for figure in read_json(run / "evaluation.json")["figures"]}
    (one, other) = judgment.ways
    assert one.kept is not None and other.near is not None
    assert (kept["kept_a_to_b"]["value"], kept["kept_a_to_b"]["low"]) == (one.kept.kept, one.kept.interval[0])
    assert kept["psnr_b_to_a"]["value"] == other.near.psnr
    told = write_report(run).read_text(encoding="utf-8")
    assert f"elmyr translator evaluate {run} --recognizer {reader} --limit 30" in told
    assert "From digits to digits-thick" in told and "From digits-thick to digits" in told
    assert f"{other.near.psnr:.2f} dB" in told and f"{one.made.thickness:.2f}" in told
    chinese = write_report(run, language="zh").read_text(encoding="utf-8")
    assert "从 digits 到 digits-thick" in chinese and "笔画粗细" in chinese and "unchanged" not in chinese


def test_a_recognizer_keeps_what_it_read_of_other_images_beside_its_own(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDirectory(shutil.copytree(runs / "reader", tmp_path / "run"))
    own = read_json(run.evaluation)
    save_npz(load_images("digits-slant").take(np.arange(50)), tmp_path / "slanted ones.npz")
    assert call(monkeypatch, "recognizer", "evaluate", run.path, "--data", tmp_path / "slanted ones.npz") == 0
    assert read_json(run.evaluation) == own
    other = read_json(run.path / "evaluation-slanted-ones.json")
    assert (other["data"], other["part"], other["against"], other["count"]) == ("slanted ones", "", "slanted ones", 50)
    told = (run.path / "report.html").read_text(encoding="utf-8")
    assert "On other images" in told and "slanted ones" in told
    Recognizer.load(run).save(tmp_path / "saved")
    assert call(monkeypatch, "recognizer", "evaluate", tmp_path / "saved", "--data", tmp_path / "slanted ones.npz") == 0
    assert not list(tmp_path.glob("evaluation*"))
    capsys.readouterr()


def test_a_damaged_evaluation_is_one_line(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(shutil.copytree(runs / "pairs", tmp_path / "run"))
    run.evaluation.write_text('{"a": "x", "b": "y", "ways": [3]}')
    assert "evaluation.json' is damaged at ways.0" in refused(capsys, monkeypatch, "report", run.path)


def test_a_run_that_cannot_be_written_to_is_measured_all_the_same(runs: Path, tmp_path: Path) -> None:
    run = RunDirectory(shutil.copytree(runs / "restorer", tmp_path / "run"))
    run.evaluation.unlink(missing_ok=True)
    run.evaluation.mkdir()  # in its place nobody writes, not even root
    with pytest.warns(Note, match="cannot be written to"):
        judgment = evaluate_restorer(run, damages=["noise:0.5"], limit=10, device="cpu")
    assert judgment.count == 10
