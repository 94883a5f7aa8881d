"""Runs that an elmyr of before wrote, stored in `tests/stored`: they open, are used, and go on as they did then."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import elmyr
from elmyr.cli import main

STORED = Path(__file__).parents[1] / "stored"
PLACE = "@STORED@"  # in the stored configs, of the folder that they lie in
KINDS = sorted(path.parent.name for path in STORED.glob("*/finished"))
INTERRUPTED = [kind for kind in KINDS if (STORED / kind / "interrupted").is_dir()]
CONFIGS = sorted((STORED / "configs").iterdir())  # each with the summary beside it
GANS = ("gan", "mlp", "infogan")
READERS = {"recognizer": "", "few-labels": "", "generated": "", "student": "", "adaptation": "recognizer"}
# On the machine of then weights and logs are the same to the bit. Another one adds up in another order, which moves a
# weight by 1e-7 (measured with AVX2 and SSE4.1 in the place of AVX-512), where an update moves it by 1e-3.
CLOSE = partial(np.testing.assert_allclose, rtol=0, atol=1e-5)
UNDETERMINED = "head.linear.bias"  # a relativistic objective takes it out again: its gradient is rounding alone
TIMES = {"seconds", "images_per_second"}


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A copy of all stored runs, which name each other where it lies."""
    folder = tmp_path / "stored"
    shutil.copytree(STORED, folder)
    for path in folder.rglob("config.json"):
        path.write_text(path.read_text().replace(PLACE, str(folder)))
    return folder


def command(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def weights_of(run: Path) -> dict[str, Any]:
    """The tensors of the models below a run, by file and name."""
    return {
        f"{file.relative_to(run)}/{name}": tensor.float().numpy()
        for file in sorted(run.rglob("model/*.safetensors"))
        for name, tensor in load_file(file).items()
    }


def lines_of(path: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


def losses(line: dict[str, Any]) -> dict[str, Any]:
    """A line without what is counted of generated images, of which one more or less is no close number."""
    return {key: value for key, value in line.items() if not key.startswith("watch_")}


def assert_close_lines(path: Path, expected: Path) -> None:
    ours, theirs = lines_of(path), lines_of(expected)
    assert [list(line) for line in ours] == [list(line) for line in theirs]
    for one, other in zip(map(losses, ours), map(losses, theirs), strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-3)


def assert_same_pixels(made: Any, expected: Any) -> None:
    """The same images, but for a level of gray here and there, which another order of sums rounds to the next."""
    apart = np.abs(np.asarray(made).astype(int) - np.asarray(expected).astype(int))
    assert apart.shape == np.asarray(expected).shape and apart.max() <= 1 and (apart > 0).mean() < 0.01


def digits() -> Any:
    return np.asarray(elmyr.load_images("digits").images[:40])


def expected_of(folder: Path, kind: str) -> Any:
    with np.load(folder / kind / "expected.npz", allow_pickle=False) as content:
        return content["made"]


@pytest.mark.parametrize("kind", GANS)
def test_a_stored_gan_samples_the_images_of_then(stored: Path, kind: str) -> None:
    run = stored / kind / "finished"
    with np.load(run / "generated.npz", allow_pickle=False) as then:
        again = elmyr.GAN.load(run, device="cpu", precision="fp32").sample(len(then["images"]), balanced=True)
        assert_same_pixels(again.images, then["images"])
        assert (again.labels is None) == ("labels" not in then)
        if again.labels is not None:
            np.testing.assert_array_equal(again.labels, then["labels"])


@pytest.mark.parametrize("kind", READERS)
def test_a_stored_recognizer_predicts_as_then(stored: Path, kind: str) -> None:
    reader = elmyr.Recognizer.load(stored / kind / "finished" / READERS[kind], device="cpu")
    CLOSE(reader.predict_proba(digits()), expected_of(stored, kind))


def test_a_stored_restorer_repairs_as_then(stored: Path) -> None:
    shown = digits()
    hidden = np.zeros(shown.shape[:3], bool)
    hidden[:, 2:5, 3:6] = True
    restorer = elmyr.Restorer.load(stored / "restorer" / "finished", device="cpu", precision="fp32")
    repair = restorer.restore(shown, hidden, answers=2, seed=5)
    assert_same_pixels(np.concatenate([repair.images[None], repair.answers]), expected_of(stored, "restorer"))


def test_a_stored_translator_translates_as_then(stored: Path) -> None:
    translator = elmyr.Translator.load(stored / "translator" / "finished", device="cpu", precision="fp32")
    made = [translator.translate(digits()), translator.translate(digits(), direction="b-to-a")]
    assert_same_pixels(np.concatenate(made), expected_of(stored, "translator"))


def test_a_stored_study_has_the_verdict_of_then(stored: Path) -> None:
    then = json.loads((STORED / "study" / "finished" / "study.json").read_text())
    (verdict,) = elmyr.resume(stored / "study" / "finished").verdicts
    expected = {"cell": "all images", **then["cells"][0]["verdict"]}
    assert {name: verdict[name] for name in expected} == expected
    since = {"trainings_with", "trainings_without", "recognizers", "parts", "terms"}
    assert verdict.keys() - expected == since


@pytest.mark.parametrize("content", CONFIGS, ids=lambda path: path.stem)
def test_a_config_of_any_preset_and_task_opens(tmp_path: Path, content: Path) -> None:
    run, told = tmp_path / "run", list[str]()
    run.mkdir()
    for name, part in json.loads(content.read_text()).items():
        (run / f"{name}.json").write_text(json.dumps(part))
    elmyr.resume(run, say=told.append)
    assert "finished already: nothing to do" in told[0]


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_nothing_to_do_on_a_finished_stored_run(
    stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    run = stored / kind / "finished"
    before = weights_of(run), (run / "config.json").read_text()
    assert command(monkeypatch, "resume", run) == 0
    told = capsys.readouterr().err
    assert ("12 of them are done" if kind == "study" else "finished already: nothing to do") in told
    assert weights_of(run).keys() == before[0].keys() and (run / "config.json").read_text() == before[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_run_has_a_report(stored: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    run = stored / kind / "finished"
    assert command(monkeypatch, "report", run / READERS.get(kind, "")) == 0
    page = (run / READERS.get(kind, "") / "report.html").read_text()
    assert page.startswith("<!doctype html>") and "digits" in page


@pytest.mark.parametrize("kind", INTERRUPTED)
def test_an_interrupted_stored_run_ends_as_the_finished_one_did_then(stored: Path, kind: str) -> None:
    run, then = stored / kind / "interrupted", STORED / kind / "finished"
    elmyr.resume(run, quiet=True)
    ours, theirs = weights_of(run), weights_of(then)
    assert ours.keys() == theirs.keys() and theirs
    for name, tensor in theirs.items():
        if not name.endswith(UNDETERMINED):
            CLOSE(ours[name], tensor, err_msg=name)
    for log in then.rglob("metrics.jsonl"):
        assert_close_lines(run / log.relative_to(then), log)


def test_a_resumed_stored_study_finds_what_the_finished_one_found_then(stored: Path) -> None:
    (verdict,) = elmyr.resume(stored / "study" / "interrupted", quiet=True).verdicts
    ours, theirs = (lines_of(stored / "study" / state / "results.jsonl") for state in ("interrupted", "finished"))
    assert ours[:7] == theirs[:7]  # those that were there already
    for one, other in zip(ours, theirs, strict=True):
        assert (one["seed"], one["arm"], one["share"]) == (other["seed"], other["arm"], other["share"])
        assert one["test"] == pytest.approx(other["test"], abs=1 / 20)  # one of its test images
    then = json.loads((STORED / "study" / "finished" / "study.json").read_text())["cells"][0]["verdict"]
    assert (verdict["outcome"], verdict["best_with"]) == (then["outcome"], then["best_with"])


def test_a_finished_stored_gan_is_trained_longer(stored: Path) -> None:
    run = elmyr.resume(stored / "gan" / "finished", images=704, quiet=True)
    assert lines_of(run.path / "metrics.jsonl")[-1]["images"] == 704
    assert elmyr.GAN.load(run, device="cpu").sample(3).images.shape == (3, 8, 8, 1)


def test_other_runs_begin_with_stored_ones(stored: Path, tmp_path: Path) -> None:
    settings = {"network.base": 2, "network.latent": 4, "network.embedding": 4, "batch": 16}
    run = elmyr.train("digits", out=tmp_path / "next", images=16, settings=settings, start_from=stored / "gan/finished")
    assert run.finished
    reader = elmyr.Recognizer(updates=1, base=4, dimension=4)
    learned = elmyr.train_recognizer("digits", reader, out=tmp_path / "reader", gan=stored / "gan" / "finished")
    assert learned.finished
