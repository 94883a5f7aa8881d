"""A sweep from end to end, on little: what it finds lies there, processes and interruptions change nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from elmyr import GAN, resume, sweep
from elmyr.cli import main
from elmyr.core.errors import DivergedError, InputError
from elmyr.core.files import read_json, read_lines
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.images import ImageSet, save_npz
from elmyr.report.writing import write_report
from elmyr.studies.sweeps import Sweep, findings
from elmyr.studies.sweeps.config import SweepConfig
from elmyr.studies.sweeps.findings import BEST, DIVERGED, NONE, NOT_FINITE, OTHERS, told_of
from elmyr.studies.sweeps.pieces import Piece, run_of
from elmyr.studies.work import begun
from tests.conftest import small_image_set

TINY = {"network.base": 4, "network.latent": 8, "network.embedding": 4, "batch": 16, "loop.watch_every": 0}
RATES = {"adversarial.learning_rate": [1e-3, 2e-3]}
ASKED: dict[str, Any] = {"images": 64, "extractor": "pixels", "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "blobs.npz"
    save_npz(small_image_set(180), path)
    return path


@pytest.fixture(scope="module")
def whole(blobs: Path) -> Sweep:
    """A sweep of two settings and two seeds that nothing disturbed."""
    return sweep(blobs, settings=TINY | RATES, seeds=2, out=blobs.parent / "whole", **ASKED)


def test_the_record_says_what_lies_there(whole: Sweep) -> None:
    content = read_json(whole.path / "sweep.json")
    assert content == whole.content and whole.best is not None
    first, second = content["variants"]
    assert [row["settings"] for row in (first, second)] == [
        {"adversarial.learning_rate": rate} for rate in (1e-3, 2e-3)
    ]
    for row in (first, second):
        for seed, (run, value) in enumerate(zip(row["runs"], row["values"], strict=True)):
            config = RunDirectory(whole.path / run).read_config()
            assert config["adversarial"]["learning_rate"] == row["settings"]["adversarial.learning_rate"]
            assert (config["seed"], config["loop"]["images"], config["gan"]["network"]["base"]) == (seed, 64, 4)
            kept = read_json(whole.path / run / "evaluation-pixels-validation.json")
            assert kept["figures"][0]["value"] == value and kept["against"] == "validation"
            assert GAN.load(whole.path / run).sample(3).images.shape == (3, 8, 8, 1)
        assert row["value"] == pytest.approx(sum(row["values"]) / 2) and row["low"] < row["value"] < row["high"]
    assert whole.best["value"] == min(first["value"], second["value"]) and whole.best["outcome"] is None
    assert content["comparison"]["subjects"][0] == whole.best["name"] and content["count"] == 24
    assert content["sentence"].startswith(f"{whole.best['name']} has the lowest FID")
    judged, longer = (step["command"] for step in content["next"])
    assert judged == f"elmyr evaluate {whole.path / whole.best['runs'][0]}"
    assert f"--set {whole.best['name']}" in longer and "--images 256" in longer
    assert not list(whole.path.glob("runs/*/evaluation.json"))  # the test part is unseen


def results(folder: Path) -> str:
    return (folder / "results.jsonl").read_text()


@pytest.mark.slow
def test_two_processes_find_the_same_to_the_bit(whole: Sweep, blobs: Path, tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text('from elmyr.cli import main\nif __name__ == "__main__":\n    main()\n')
    settings = [f"{name}={json.dumps(value)}" for name, value in TINY.items()]
    words = ["sweep", blobs, *(word for each in settings for word in ("--set", each)), "--set"]
    words += ["adversarial.learning_rate=1e-3,2e-3", "--seeds", "2", "--images", "64", "--extractor", "pixels"]
    words += ["--device", "cpu", "--threads", "1", "--processes", "2", "--out", tmp_path / "two", "--json", "-q"]
    if (os.cpu_count() or 1) < 2:
        pytest.skip("of two cores")
    done = subprocess.run([sys.executable, script, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "two") == results(whole.path)
    told = json.loads(done.stdout)
    assert told["sweep"] == str(tmp_path / "two") and told["best"] == whole.content["best"]


@pytest.mark.parametrize("pieces", [4, 6])
def test_what_is_interrupted_goes_on_and_ends_the_same(
    whole: Sweep, blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    done = list[Piece]()
    with monkeypatch.context() as inside:
        from elmyr.studies.sweeps.pieces import Worker

        perform = Worker.perform

        def stopped(worker: Worker, piece: Piece, **how: Any) -> Any:
            if len(done) == pieces:
                raise KeyboardInterrupt
            done.append(piece)
            return perform(worker, piece, **how)

        inside.setattr(Worker, "perform", stopped)
        with pytest.raises(Exception, match="elmyr resume"):
            sweep(blobs, settings=TINY | RATES, seeds=2, out=tmp_path / "out", **ASKED)
    assert not (tmp_path / "out" / "sweep.json").exists()
    lines = tmp_path / "out" / "results.jsonl"
    if lines.exists() and pieces == 6:
        lines.write_bytes(lines.read_bytes()[:-9])  # a kill while the last was written
    with pytest.raises(InputError, match="is not finished: elmyr resume"):
        write_report(tmp_path / "out")
    if pieces == 4:
        (tmp_path / "out" / "times.jsonl").unlink()  # a kill between a training's end and the line that tells of it
        ended = resume(tmp_path / "out")
    else:
        ended = sweep(blobs, settings=TINY | RATES, seeds=2, out=tmp_path / "out", **ASKED)
    assert isinstance(ended, Sweep) and results(ended.path) == results(whole.path)
    assert ended.content["best"] == whole.content["best"]


def test_a_finished_one_is_told_again_and_another_is_refused(
    whole: Sweep, blobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elmyr.studies.sweeps.run.found_in", lambda *given, **how: pytest.fail("it is judged again"))
    again = sweep(blobs, settings=TINY | RATES, seeds=2, out=whole.path, **ASKED)
    assert again.content == whole.content
    for change, told in (
        ({"settings": TINY | {"adversarial.learning_rate": [1e-3, 3e-3]}}, "several is"),
        ({"seeds": 1}, "seeds is"),
        ({"images": 80}, "images is 64"),
        ({"extractor": "random"}, "extractor is 'pixels'"),
    ):
        with pytest.raises(InputError, match=f"holds another sweep .*{told}"):
            sweep(blobs, out=whole.path, **({"settings": TINY | RATES, "seeds": 2} | ASKED | change))


def test_images_that_changed_are_refused_and_moved_ones_are_found(whole: Sweep, blobs: Path, tmp_path: Path) -> None:
    moved = tmp_path / "sweep"
    shutil.copytree(whole.path, moved)
    save_npz(small_image_set(180, seed=5), tmp_path / "others.npz")
    with pytest.raises(InputError, match="restore the images"):
        resume(moved, data=tmp_path / "others.npz")
    shutil.copy(blobs, tmp_path / "there.npz")
    resume(moved, data=tmp_path / "there.npz")
    of_run = RunDirectory(moved / "runs" / "1-seed-0").read_config()
    assert of_run["data"]["source"] == str(tmp_path / "there.npz")


def test_begun_on_another_device_it_is_taken_up_here(whole: Sweep, tmp_path: Path) -> None:
    run = RunDirectory(shutil.copytree(whole.path, tmp_path / "sweep"))
    first, *_ = sorted((run.path / "runs").iterdir())
    for file in (run.config, first / "config.json"):
        file.write_text(file.read_text().replace('"device": "cpu"', '"device": "cuda:0"'))
    (first / "summary.json").unlink()  # so that it goes on from its last checkpoint
    (run.path / "sweep.json").unlink()
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match=r"no device 'cuda:0'.*elmyr resume \S+sweep --device auto$"):
            resume(run.path)
    done = resume(run.path, device="cpu")
    assert done.path == run.path and results(run.path) == results(whole.path)
    assert [read_json(file)["device"] for file in (run.config, first / "config.json")] == ["cpu"] * 2


def test_a_training_of_another_budget_is_not_compared_with_the_others(whole: Sweep, tmp_path: Path) -> None:
    sweep_path = shutil.copytree(whole.path, tmp_path / "sweep")
    (sweep_path / "sweep.json").unlink()
    longer = sweep_path / "runs" / "2-seed-0"
    resume(longer, images=96)
    told = "2-seed-0' was given 96 images, those of the sweep have 64: delete that directory"
    with pytest.raises(InputError, match=told):  # all is judged, and compared yet to be
        resume(sweep_path)
    lines = sweep_path / "results.jsonl"
    lines.write_text("".join(line for line in results(whole.path).splitlines(True)[:1]))
    with pytest.raises(InputError, match=told):  # its figure among those of the others
        resume(sweep_path)
    shutil.rmtree(longer)
    resume(sweep_path)
    assert results(sweep_path) == results(whole.path)


def test_a_training_that_diverges_is_told_and_ends_no_other(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elmyr.studies.sweeps import pieces

    trained = pieces.train_or_resume

    def odd(run: RunDirectory, ask: Any, **how: Any) -> None:
        if ask.asked.parsed["adversarial.learning_rate"] == 1e-3:
            raise DivergedError("the training diverged", images=48)
        trained(run, ask, **how)

    monkeypatch.setattr(pieces, "train_or_resume", odd)
    said = list[str]()
    done = sweep(blobs, settings=TINY | RATES, out=tmp_path / "out", say=said.append, **ASKED)
    lost, whole = done.content["variants"]
    assert (lost["value"], lost["diverged"], whole["diverged"]) == (None, {"0": 48}, {}) and whole["value"] > 0
    assert done.best == whole and done.content["sentence"].endswith("that diverged: 1.")
    assert [line for line in said if "diverged at 48 images" in line] and done.content["comparison"] is None
    monkeypatch.setattr(pieces, "train_or_resume", lambda *given, **how: pytest.fail("it is trained again"))
    assert resume(tmp_path / "out").content == done.content  # type: ignore[union-attr]  # of a sweep
    page = write_report(done.path).read_text()
    assert "diverged at 48 images" in page
    assert "发散" in write_report(done.path, language="zh").read_text()


def test_all_diverged_has_no_best(blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(run: RunDirectory, ask: Any, **how: Any) -> None:
        raise DivergedError("the training diverged", images=16)

    monkeypatch.setattr("elmyr.studies.sweeps.pieces.train_or_resume", lost)
    done = sweep(blobs, settings=TINY | RATES, out=tmp_path / "out", **ASKED)
    assert done.best is None and done.content["sentence"].startswith(NONE) and done.content["next"] == []
    assert write_report(done.path).is_file()


def test_a_training_by_a_rate_that_is_far_too_high_is_no_end_of_the_sweep(blobs: Path, tmp_path: Path) -> None:
    """For real: whether it diverges or gives something bad, it is not the best."""
    settings = TINY | {
        "adversarial.learning_rate": [1e-3, 1e18],
        "stabilizers.clip_gradients": 0.0,
        "penalties.r1": 0.0,
    }
    done = sweep(blobs, settings=settings, out=tmp_path / "out", **ASKED)
    assert done.best is not None and done.best["settings"] == {"adversarial.learning_rate": 1e-3}


def test_the_page_has_all_settings_figures_and_commands_in_both_languages(whole: Sweep) -> None:
    english, chinese = (write_report(whole.path, language=each).read_text() for each in ("en", "zh"))
    for page in (english, chinese):
        for row in whole.content["variants"]:
            assert row["name"] in page
        for step in whole.content["next"]:
            assert step["command"].split(" --")[0] in page
        assert "elmyr sweep" in page
    assert "has the lowest FID on the validation images" in english and "的 FID 最低" in chinese


def test_the_sentences_count_what_is_worse_and_what_may_be_as_good() -> None:
    rows = [{"name": name, "value": 1.0, "outcome": outcome, "diverged": {}} for name, outcome in
            (("a", None), ("b", "worse"), ("c", "no significant effect"), ("d", "worse"))]  # fmt: skip
    told = told_of(rows[0], rows, seeds=3)
    assert [each["text"] for each in told] == [BEST, OTHERS]
    assert told[1]["values"] == {"worse": 2, "open": 1}
    lost = {"name": "e", "value": None, "outcome": None}
    told = told_of(rows[0], [*rows, lost | {"diverged": {"0": 16}}, *[lost | {"diverged": {}}] * 2], seeds=3)
    assert [(each["text"], each["values"]["count"]) for each in told[2:]] == [(DIVERGED, 1), (NOT_FINITE, 2)]


def test_a_figure_that_is_not_finite_is_not_called_a_divergence(whole: Sweep, tmp_path: Path) -> None:
    folder = shutil.copytree(whole.path, tmp_path / "sweep")
    (folder / "sweep.json").unlink()
    first, *others = read_lines(folder / "results.jsonl")
    lines = [first | {"value": None, "low": None, "high": None}, *others]
    (folder / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = resume(folder)
    assert isinstance(done, Sweep) and done.content["sentence"].endswith(NOT_FINITE.format(count=1))
    for view in (done._repr_html_(), write_report(folder).read_text()):
        assert "not finite" in view and "diverged" not in view
    assert "不是有限数" in write_report(folder, language="zh").read_text()


def test_the_command_has_the_threads_and_no_more_processes_than_it_would_be_refused(
    whole: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert whole.content["command"].endswith("--processes 1 --threads 1")
    config = config_as(RunDirectory(whole.path), SweepConfig)
    monkeypatch.setattr(begun, "cores", lambda: 8)
    for processes, threads, told in ((2, 4, 2), (3, 4, 0)):
        command = findings.command_of(config.model_copy(update={"processes": processes, "threads": threads}))
        assert command.endswith(f"--processes {told} --threads {threads}")
    words = config.model_copy(update={"several": {"network.name": ["1", "residual"]}, "fixed": {"a": "true"}})
    assert """--set 'a="true"' --set 'network.name="1",residual'""" in findings.command_of(words)


def test_the_page_says_that_worse_is_not_corrected_where_it_says_worse(whole: Sweep, tmp_path: Path) -> None:
    folder = shutil.copytree(whole.path, tmp_path / "sweep")
    for outcome, is_told in (("worse", True), ("no significant effect", False)):
        rows = [row | {"outcome": row["outcome"] and outcome} for row in whole.content["variants"]]
        (folder / "sweep.json").write_text(json.dumps(whole.content | {"variants": rows}))
        page = write_report(folder).read_text()
        assert ("are called worse by chance" in page) == is_told and "beside the best" in page


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {"penalties.r9": [1, 2]}}, "no setting 'penalties.r9'"),
        ({"settings": {"penalties.r1": [1, -1]}}, "r1 is -1"),
        ({"settings": {"network.name": ["residual", "no"]}}, "no network 'no'"),
        ({"settings": {"penalties.r1": [1, 2], "batch": 0}}, "batch is 0"),
        ({"settings": {"penalties.r1": [[1, 2], [2, 3]]}}, "it is a number, a word"),
        ({"settings": TINY}, "nothing to sweep"),
        ({"seeds": 0}, "--seeds is 0"),
        ({"processes": -1}, "--processes is -1"),
        ({"seeds": 600}, "1,200 trainings: at most 1,000"),
        ({"extractor": "no"}, "no"),
        ({"images": 0}, "images"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_written(
    blobs: Path, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    asked = {"settings": TINY | RATES} | ASKED | change
    with pytest.raises(InputError, match=told) as error:
        sweep(blobs, out=tmp_path / "out", **asked)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_too_few_images_to_judge_by_are_told(tmp_path: Path) -> None:
    save_npz(small_image_set(30), tmp_path / "few.npz")
    with pytest.raises(InputError, match=r"images to judge by, at least \d+ are needed"):
        sweep(tmp_path / "few.npz", settings=TINY | RATES, out=tmp_path / "out", **ASKED)


def test_the_plan_tells_every_training_and_writes_nothing(
    blobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("elmyr.studies.sweeps.rehearsal.SECONDS", 0.05)
    monkeypatch.chdir(tmp_path)
    settings = [f"{name}={json.dumps(value)}" for name, value in TINY.items()]
    words = ["sweep", str(blobs), "--set", "penalties.r1=1,3", "--images", "64", "--plan", "--seeds", "3", "--json"]
    monkeypatch.setattr("sys.argv", ["elmyr", *words, *(word for each in settings for word in ("--set", each))])
    with pytest.raises(SystemExit) as ended:
        main()
    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0 and list(tmp_path.iterdir()) == []
    assert [row["name"] for row in told["variants"]] == ["penalties.r1=1", "penalties.r1=3"]
    assert told["config"]["seeds"] == [0, 1, 2] and told["seconds"] > 0


def test_unlabeled_images_are_swept_by_pixels(tmp_path: Path) -> None:
    save_npz(ImageSet(small_image_set(180).images), tmp_path / "plain.npz")
    done = sweep(tmp_path / "plain.npz", settings=TINY | RATES, out=tmp_path / "out", **(ASKED | {"extractor": "auto"}))
    assert done.best is not None and run_of(done.path, 0, 0).finished
    assert all(line["count"] > 0 for line in read_lines(done.path / "results.jsonl"))
