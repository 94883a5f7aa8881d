"""Runs and studies whose images were moved: --data says where they are, and only the same images are taken."""

import json
import shutil
from pathlib import Path

import pytest

from elmyr import Recognizer, evaluate, study, train
from elmyr.cli import main
from elmyr.core.errors import InputError
from elmyr.engine import repeat
from elmyr.engine.saving.run_directory import open_run
from elmyr.images import save_images
from elmyr.tasks.recognition import train_recognizer
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.conftest import small_image_set

TINY = {"network.base": 8, "batch": 16}
KINDS = {
    "GAN": ("here.npz",),
    "recognizer": ("here.npz",),
    "restorer": ("here.npz",),
    "translator": ("here.npz", "b.npz"),
    "study": ("few.npz",),  # too few images for figures, which take long
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of each kind; what they were trained on has moved to `there`, and others have its old names."""
    folder = tmp_path_factory.mktemp("runs")
    save_images(small_image_set(240), folder / "here.npz")
    save_images(small_image_set(240, seed=1), folder / "b.npz")
    save_images(small_image_set(60), folder / "few.npz")
    here, b, few = (folder / name for name in ("here.npz", "b.npz", "few.npz"))
    train(here, out=folder / "GAN", images=32, settings=TINY)
    train_recognizer(here, Recognizer(method="augment", updates=1), out=folder / "recognizer")
    train_restorer(here, out=folder / "restorer", images=16)
    train_translator(here, b, out=folder / "translator", images=16)
    settings = tuple(f"{name}={value}" for name, value in TINY.items())
    study(few, out=folder / "study", seeds=1, images=32, updates=1, settings=settings, allow_duplicates=True)
    (folder / "there").mkdir()
    for file in (here, b, few):
        file.rename(folder / "there" / file.name)
    return folder


def sources(run: Path) -> set[str]:
    """The sources that the configs below a folder name."""
    found = set()
    for path in run.rglob("config.json"):
        content = json.loads(path.read_text())
        found |= {
            each["source"] for each in (content, *content.values()) if isinstance(each, dict) and "source" in each
        }
    return found


def resumed(monkeypatch: pytest.MonkeyPatch, run: Path, *words: str | Path) -> int:
    monkeypatch.setattr("sys.argv", ["elmyr", "resume", str(run), *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("kind", KINDS)
def test_resume_takes_the_new_place_of_the_same_images_and_the_run_keeps_it(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    run = tmp_path / kind
    shutil.copytree(runs / kind, run)
    new = [runs / "there" / name for name in KINDS[kind]]
    assert resumed(monkeypatch, run, *(word for place in new for word in ("--data", place))) == 0
    assert sources(run) == set(map(str, new))


@pytest.mark.parametrize("kind", KINDS)
def test_resume_refuses_other_images_and_the_run_stays_as_it_was(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    run = tmp_path / kind
    shutil.copytree(runs / kind, run)
    before = sources(run)
    save_images(small_image_set(240, seed=9), tmp_path / "other.npz")
    assert resumed(monkeypatch, run, "--data", tmp_path / "other.npz") == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert sources(run) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_whose_images_are_gone_names_the_option(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    run = tmp_path / kind
    shutil.copytree(runs / kind, run)
    (run / ("study.json" if kind == "study" else "summary.json")).unlink()
    assert resumed(monkeypatch, run) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "--data NEW" in line and KINDS[kind][0] in line


def test_figures_and_a_repetition_take_the_new_place_and_no_other_images(runs: Path, tmp_path: Path) -> None:
    new = runs / "there" / "here.npz"
    assert evaluate(runs / "GAN", data=new, extractor="pixels").count > 0
    assert not repeat(runs / "GAN", out=tmp_path / "again", data=new).differences
    assert open_run(tmp_path / "again").read_config()["data"]["source"] == str(new)
    with pytest.raises(InputError, match="is not what the run was trained on"):
        evaluate(runs / "GAN", data=runs / "there" / "b.npz", extractor="pixels")
