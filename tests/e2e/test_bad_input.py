"""Bad input: one line on stderr, exit code 2, nothing written."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr import train
from elmyr.cli import main
from tests.conftest import small_image_set


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> str:
    """Runs the program inside this process; returns its one line on stderr."""
    monkeypatch.setattr("sys.argv", ["elmyr", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, error = capsys.readouterr()
    assert ended.value.code == 2, error
    assert out == ""
    (line,) = error.strip().splitlines()
    assert line.startswith("elmyr: ")
    return line


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "mnits"], "did you mean 'mnist'"),
        (["train", "no/such/folder"], "no/such/folder"),
        (["train", "mnist"], "ELMYR_DATA"),
        (["train", "digits", "--preset", "residul"], "did you mean 'residual'"),
        (["train", "digits", "--imges", "5"], "--images"),
        (["train", "digits", "--images", "many"], "--images"),
        (["train", "digits", "--images", "-5"], "--images"),
        (["train", "digits", "--images", "1e999"], "--images"),
        (["train", "digits", "--images", "16.00001k"], "--images"),
        (["train", "digits", "--images", "2000000000k"], "--images"),
        (["train", "x" * 300], "no such path"),
        (["train", "digits", "--set", "adversarial.learning_rate=1e999"], "learning_rate"),
        (["train", "digits", "--set", "adversarial.learning_rate=null"], "a number"),
        (["train", "digits", "--set", "adversarial.learning_rate=fast"], "such as 5e-4"),
        (["train", "digits", "--set", "penalties.r1={}"], "the setting penalties.r1 is {}"),
        (["train", "digits", "--set", "batch=true"], "whole number"),
        (["doctor", "--device", "nonsense"], "no device 'nonsense'"),
        (["train", "digits", "--set", "gamma"], "NAME=VALUE"),
        (["train", "digits", "--set", "adversarial.gama=1"], "did you mean"),
        (["train", "digits", "--out", "/proc/elmyr"], "--out"),
        (["train"], "DATA"),
        (["tran", "digits"], "train"),
        (["resume", "nowhere"], "no run directory 'nowhere'"),
        (["resume", "."], "not a run directory"),
        (["resume", "latest"], "no run under 'runs'"),
        (["sample", "."], "not a run directory"),
        (["evaluate", "nowhere"], "nowhere"),
        (["compare", "nowhere"], "nothing to compare"),
        (["compare", "digits", "digits"], "no run, file or folder 'digits'"),
        (["train", "digits", "--size", "9x"], "the size is '9x'"),
        (["train", "digits", "--size", "5000"], "1 to 4096"),
        (["train", "digits", "--channels", "2"], "1 for gray or 3 for RGB"),
        (["train", "digits", "--classes", "0,on"], "no class 'on'"),
        (["train", "digits", "--classes", "0,0"], "name one twice"),
        (["train", "digits", "--imbalance", "0.5"], "at least 1"),
        (["data", "info", "mnits"], "did you mean 'mnist'"),
        (["data", "convert", "digits", "out.gif"], "out.gif"),
        (["data", "convert", "digits", "out.npz", "--labels-per-class", "5"], "thinning out is for training"),
        (["compare", "digits", "digits", "--data", "digits", "--extractor", "domian"], "did you mean 'domain'"),
        (["compare", "digits", "digits", "--data", "digits", "--out", "page.txt"], ".html"),
        (["compare", "digits", "digits", "--data", "digits", "--out", "no/page.html"], "no/page.html"),
        (["study", "digits", "--seeds", "0"], "at least 1"),
        (["study", "digits", "--updates", "0"], "at least 1"),
        (["study", "digits", "--preset", "residul"], "did you mean 'residual'"),
        (["study", "digits", "--set", "adversarial.objective=minmax"], "no objective 'minmax'"),
        (["study", "digits", "--set", "conditional=false"], "classes"),
        (["study", "digits", "--images-per-class", "5,x"], "numbers above 0"),
        (["study", "digits", "--images-per-class", "5,5"], "twice"),
        (["study", "digits", "--images-per-class", "500"], "the largest class has"),
        (["study", "digits", "--labels-per-class", "-3"], "numbers above 0"),
        (["study", "digits", "--imbalance", "1000"], "at most"),
        (["study", "digits", "--label-noise", "1.5"], "label_noise"),
        (["study", "digits", "--budget", "soon"], "2h, 90m"),
        (["study", "digits", "--processes", "-1"], "--processes"),
        (["train", "digits", "--label-noise", "2"], "from 0 to below 1"),
        (["presets", "styl"], "no preset 'styl'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_words_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    expected: str,
) -> None:
    assert expected in told(capsys, monkeypatch, *words)
    assert list(tmp_path.iterdir()) == []


def folder_with_an_unreadable_image(path: Path) -> str:
    for name in ("a", "b"):
        (path / name).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (8, 8)).save(path / name / f"{number}.png")
    (path / "b" / "odd.png").write_bytes(b"not an image")
    return "odd.png"


def empty_folder(path: Path) -> str:
    path.mkdir()
    return "no image"


@pytest.mark.parametrize("make", [folder_with_an_unreadable_image, empty_folder])
@pytest.mark.parametrize("command", ["train", "study"])
def test_bad_folders_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    make: object,
    command: str,
) -> None:
    expected = make(tmp_path / "data")  # type: ignore[operator]
    assert expected in told(capsys, monkeypatch, command, tmp_path / "data", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [(7, 8), (32, 257)])
@pytest.mark.parametrize("command", ["train", "study"])
def test_images_too_small_or_too_large_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    size: tuple[int, int],
    command: str,
) -> None:
    np.savez(tmp_path / "odd.npz", images=np.zeros((60, 16, 16), np.uint8), labels=np.arange(60) % 2)
    asked = f"{size[0]}x{size[1]}"
    line = told(capsys, monkeypatch, command, tmp_path / "odd.npz", "--size", asked, "--out", tmp_path / "out")
    assert asked in line and "8 to 256 pixels" in line and "pass --size" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": np.array([{"a": 1}], dtype=object)},
        {"pictures": np.zeros((4, 8, 8), np.uint8)},
        {"images": np.full((4, 8, 8), -3.5)},
        {"images": np.zeros((4, 8, 8), np.uint8), "labels": np.zeros(3, np.int64)},
    ],
    ids=["pickled", "keys", "dtype", "labels"],
)
def test_bad_npz_files_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arrays: dict[str, np.ndarray],
) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    assert "bad.npz" in told(capsys, monkeypatch, "train", tmp_path / "bad.npz", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sample_of_no_class_or_to_no_place_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, blobs_file: Path
) -> None:
    run = train(blobs_file, images=32, settings={"network.base": 8, "batch": 16}, device="cpu").path
    assert "no class '12' among 3" in told(capsys, monkeypatch, "sample", run, "--label", "12")
    assert "nowhere" in told(capsys, monkeypatch, "sample", run, "--out", tmp_path / "nowhere" / "x.npz")
    assert "x.gif" in told(capsys, monkeypatch, "sample", run, "--out", tmp_path / "x.gif")
    for part in ("5/4", "0/4", "x"):
        assert f"the part is '{part}'" in told(capsys, monkeypatch, "sample", run, "--part", part)
    assert "at most 1 part" in told(capsys, monkeypatch, "sample", run, "--part", "2/2")
    assert not (tmp_path / "samples.npz").exists()


def test_a_study_of_one_class_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    np.savez(tmp_path / "one.npz", images=small_image_set().images, labels=np.zeros(120, np.int64))
    assert "one class" in told(capsys, monkeypatch, "study", tmp_path / "one.npz")
    assert not (tmp_path / "studies").exists()
