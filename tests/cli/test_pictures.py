"""Every picture that a command writes for people is 480 pixels wide at least, however small the images are."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from elmyr import Recognizer, train
from elmyr.cli import main
from elmyr.core.files import read_json, write_json
from elmyr.images import save_npz
from elmyr.tasks.recognition import train_recognizer
from elmyr.tasks.restoration import train_restorer
from elmyr.tasks.translation import train_translator
from tests.conftest import small_image_set

# What is written, and by which command; the runs that a training writes its pictures into need none.
PICTURES = {
    "gan/reals.png": "",
    "gan/previews/images-000000032.png": "",
    "restorer/previews/images-000000032.png": "",
    "translator/previews/images-000000032.png": "",
    "of-data.png": "data info images.npz --grid of-data.png",
    "samples.png": "sample gan -n 7 --out samples.png",
    "one.png": "sample gan -n 1 --out one.png",
    "strip.png": "interpolate gan --from a --to b --steps 3 --out strip.png",
    "moving.gif": "interpolate gan --from a --to b --steps 3 --rows 1 --out moving.gif",
    "curves.png": "plot gan --out curves.png",
    "mistakes.png": "recognizer evaluate reader --mistakes mistakes.png",
    "doubts.png": "recognizer doubts images.npz --label-noise 0.4 --updates 3 --folds 2 --picture doubts.png",
    "repaired/overview.png": "restorer apply restorer images.npz --limit 3 --out repaired",
    "translated/overview.png": "translator apply translator images.npz --limit 3 --out translated",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small images, and a run of each kind, trained for a moment."""
    folder = tmp_path_factory.mktemp("pictures")
    images = folder / "images.npz"
    save_npz(small_image_set(120), images)
    train(images, out=folder / "gan", images=32, settings={"network.base": 8, "batch": 16}, device="cpu")
    reader = Recognizer(method="supervised", updates=1, learning_rate=1e-9, base=4, dimension=8, device="cpu")
    train_recognizer(images, reader, out=folder / "reader")
    train_restorer(images, out=folder / "restorer", images=32, device="cpu")
    train_translator(images, images, out=folder / "translator", images=32, device="cpu", settings={"batch": 16})
    return folder


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_for_people_is_480_pixels_wide(picture: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    if PICTURES[picture]:
        monkeypatch.setattr("sys.argv", ["elmyr", *PICTURES[picture].split()])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    with Image.open(picture) as opened:
        assert opened.width >= 480


def test_curves_of_a_collapsed_run_are_told_with_what_to_try(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "collapsed"
    shutil.copytree(place / "gan", run)
    collapse = {
        "trouble": "mode collapse", "images": 32, "modes": 0.05, "diversity": 0.1, "precision": 0.5, "told_apart": 1.0,
        "settings": {"penalties.r1": 3.0},
    }  # fmt: skip
    write_json(run / "summary.json", read_json(run / "summary.json") | {"collapse": collapse})
    monkeypatch.setattr("sys.argv", ["elmyr", "plot", str(run)])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert not ended.value.code and "Collapsed (mode collapse)" in told and "--set penalties.r1=3" in told
