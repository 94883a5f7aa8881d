"""Bad input of an attack: one line on stderr, exit code 2, nothing written; and what a good one writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from elmyr import Recognizer, train
from elmyr.cli import main
from elmyr.images import ImageSet, save_images
from elmyr.tasks.recognition import train_recognizer
from elmyr.tasks.recognition.attacks.table import ATTACKS
from tests.conftest import small_image_set


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recognizer's run, a GAN's, and images with and without labels."""
    folder = tmp_path_factory.mktemp("attacked")
    blobs = small_image_set(120)
    save_images(blobs, folder / "blobs.npz")
    save_images(small_image_set(60, classes=4, seed=1), folder / "more-classes.npz")
    np.savez(folder / "unlabeled.npz", images=np.asarray(small_image_set(30, seed=5).images))
    train_recognizer(folder / "blobs.npz", Recognizer(updates=30, base=8, dimension=16), out=folder / "reader")
    (folder / "study").mkdir()
    (folder / "study" / "report.html").write_text("of a study", encoding="utf-8")
    train(folder / "blobs.npz", out=folder / "gan", images=16, settings={"network.base": 8, "batch": 16})
    return folder


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["elmyr", "recognizer", "attack", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    out, error = capsys.readouterr()
    assert ended.value.code == 2 and out == "", error
    (line,) = error.strip().splitlines()
    return line


BAD = {
    "an epsilon above 1": (("reader", "--epsilon", "1.5"), "from 0 to 1, such as 1.5/255"),
    "an epsilon below 0": (("reader", "--epsilon=-0.1"), "from 0 to 1"),
    "words for an epsilon": (("reader", "--epsilon", "much"), "an epsilon is 'much': give numbers"),
    "an epsilon beyond all images": (("reader", "--norm", "L2", "--epsilon", "9"), "farther apart than 8"),
    "a norm": (("reader", "--norm", "Linff"), "no norm 'Linff': did you mean 'Linf'?"),
    "other classes": (("reader", "--data", "more-classes.npz"), "knows no class 'd'"),
    "no labels": (("reader", "--data", "unlabeled.npz"), "no labels"),
    "a GAN": (("gan",), "recognizer"),
    "no run": (("nowhere",), "nowhere"),
    "a file for a folder": (("reader", "--out", "blobs.npz"), "cannot write into 'blobs.npz'"),
    "a run for a folder": (("reader", "--out", "reader"), "'reader' holds the config.json of something else"),
    "another's report": (("reader", "--out", "study"), "'study' holds the report.html of something else"),
    "one attack twice": (("reader", "--attack", "pgd,pgd"), "pgd is named twice"),
    "steps of one step": (("reader", "--attack", "fgsm", "--steps", "3"), "fgsm takes one step"),
    "a language": (("reader", "--lang", "xx"), "no language 'xx'"),
    "nothing to restart": (("reader", "--attack", "fgsm", "--restarts", "2"), "draws nothing at random"),
    "no time": (("reader", "--minutes", "0"), "give more than 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_in_a_line_and_nothing_is_written(
    case: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = BAD[case]
    monkeypatch.chdir(place)
    before = sorted(place.rglob("*"))
    assert message in told(capsys, monkeypatch, *words)
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("name", [*ATTACKS, "auto"])
def test_a_slip_of_a_name_and_a_limit_too_short_are_told_for_every_attack(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    before = sorted(place.rglob("*"))
    assert f"did you mean '{name}'?" in told(capsys, monkeypatch, "reader", "--attack", f"{name}x")
    short = told(capsys, monkeypatch, "reader", "--attack", name, "--minutes", "0.00000001")
    assert "too short for one batch" in short and f"by {name} here" in short
    assert sorted(place.rglob("*")) == before


def test_an_attack_writes_a_page_a_record_and_a_picture_into_the_run(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    words = ["reader", "--attack", "pgd,square", "--steps", "8", "--epsilon", "0.1,0.5", "--count", "20", "--json"]
    monkeypatch.setattr("sys.argv", ["elmyr", "recognizer", "attack", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    out, error = capsys.readouterr()
    assert not ended.value.code, error
    folder = place / "reader" / "attacks" / "pgd-square-Linf"
    assert sorted(path.name for path in folder.iterdir()) == ["attack.json", "fooled.png", "report.html"]
    record = json.loads((folder / "attack.json").read_text())
    assert record == json.loads(out)
    assert [level["epsilon"] for level in record["levels"]] == [0.1, 0.5]
    assert [one["name"] for one in record["levels"][0]["attacks"]] == ["pgd", "square"]
    shares = [level["robust_accuracy"]["value"] for level in record["levels"]]
    assert shares == sorted(shares, reverse=True) and shares[0] <= record["clean_accuracy"]["value"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "under each of these attacks: PGD, Square." in page and "whatever the attack" not in page
    assert "Commands to repeat it" in page and record["minutes"] is None
    assert "elmyr recognizer attack reader --attack pgd,square" in page and "PGD (Madry et al. 2018)" in page
    of_run = (place / "reader" / "report.html").read_text(encoding="utf-8")
    assert "How easily it is fooled" in of_run and "pgd,square, Linf" in of_run
    assert f"{100 * shares[0]:.1f} %" in of_run.partition("How easily it is fooled")[2]


def test_one_attack_takes_the_place_of_another_whatever_the_language_of_its_report(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = []
    for language in ("en", "zh"):
        words = [str(place / "reader"), "--attack", "fgsm", "--count", "10", "--minutes", "5", "--lang", language]
        monkeypatch.setattr("sys.argv", ["elmyr", "recognizer", "attack", *words, "--out", str(tmp_path / "out")])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, capsys.readouterr().err
        pages.append([path.name for path in (tmp_path / "out").glob("report*")])
    assert pages == [["report.html"], ["report.zh.html"]]
    page = (tmp_path / "out" / "report.zh.html").read_text(encoding="utf-8")
    assert "重现所用的命令" not in page and "取决于机器的速度" in page  # under a time limit
    assert "不用梯度的攻击" not in page  # none was run


@pytest.mark.filterwarnings("default")
def test_images_that_were_trained_on_are_told_and_a_saved_recognizer_has_no_place_of_its_own(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = small_image_set(120)
    save_images(ImageSet(blobs.images[:100], blobs.require_labels()[:100], blobs.classes), tmp_path / "known.npz")
    Recognizer.load(place / "reader").save(tmp_path / "saved")
    monkeypatch.chdir(tmp_path)
    brief = ("--attack", "fgsm", "--count", "10", "--data", "known.npz")
    for model, expected in ((place / "reader", "images that the run was trained on"), (tmp_path / "saved", "")):
        monkeypatch.setattr("sys.argv", ["elmyr", "recognizer", "attack", str(model), *brief])
        with pytest.raises(SystemExit) as ended:
            main()
        out, error = capsys.readouterr()
        assert not ended.value.code and "robust accuracy" in out
        assert expected in error and ("the report:" in error) == bool(expected)
    assert (place / "reader" / "attacks" / "fgsm-Linf-known" / "report.html").is_file()
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == ["recognizer.json", "recognizer.safetensors"]
