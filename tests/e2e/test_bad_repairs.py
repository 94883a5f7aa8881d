"""Bad input of the commands about repair: one line on stderr, exit code 2, nothing written."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr import Restorer
from tests.conftest import small_image_set
from tests.e2e.test_bad_input import told

TINY = {"widths": (8, 12), "bottom": 1, "noise": 0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    Restorer(images=16, settings=TINY, device="cpu").fit(small_image_set(20)).save(folder)
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "digits", "--corruption", "blok:4"], "did you mean 'block'"),
        (["train", "digits", "--corruption", "noise:3"], "from 0 to 2"),
        (["train", "digits", "--corruption", "block:14"], "choose less than 8"),
        (["train", "digits", "--corruption", "block:a"], "give a kind and its severity"),
        (["train", "digits", "--images", "0"], "--images"),
        (["train", "nowhere"], "nowhere"),
        (["train", "digits", "--set", "noize=3"], "did you mean 'noise'"),
        (["train", "digits", "--set", "noise=-1"], "greater than or equal to 0"),
        (["train", "digits", "--set", "widths=[0,4]"], "greater than or equal to 1"),
        (["train", "digits", "--set", "widths=[4,9999]"], "less than or equal to 4096"),
        (["damage", "digits", "--corruption", "jpg:5", "--out", "out"], "did you mean 'jpeg'"),
        (["damage", "digits", "--corruption", "missing:1.5", "--out", "out"], "from 0 to 0.98"),
        (["damage", "digits", "--corruption", "center:8", "--limit", "3", "--out", "out"], "choose less than 8"),
        (["damage", "digits", "--out", "out"], "--corruption"),
        (["apply", "nowhere", "digits", "--out", "out"], "no run directory 'nowhere'"),
        (["apply", "latest", "digits", "--out", "out"], "elmyr restorer train DATA"),
        (["apply", "nowhere", "digits"], "--out"),
        (["apply", "nowhere", "digits", "--answers", "0", "--out", "out"], "--answers"),
        (["apply", "nowhere", "digits", "--channels", "2", "--out", "out"], "--channels"),
        (["apply", "nowhere", "digits", "--method", "magic", "--out", "out"], "--method"),
        (["apply", "nowhere", "digits", "--method", "inversion", "--out", "out"], "no run directory 'nowhere'"),
        (["apply", "nowhere", "digits", "--mask", "no/masks", "--out", "out"], "'no/masks' is no folder"),
        (["evaluate", "nowhere"], "no run directory 'nowhere'"),
        (["evaluate", "nowhere", "--out", "page.txt"], ".html"),
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
    assert expected in told(capsys, monkeypatch, "restorer", *words)
    assert list(tmp_path.iterdir()) == []


def gray(path: Path, height: int = 8, width: int = 8, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width), value, np.uint8)).save(path)


def mask_of_another_size(folder: Path) -> str:
    gray(folder / "masks" / "2.png", 9, 8)
    return "is 9x8, its image 8x8"


def wholly_masked(folder: Path) -> str:
    gray(folder / "masks" / "2.png", value=255)
    return "hides its image wholly"


def no_mask(folder: Path) -> str:
    (folder / "masks" / "2.png").unlink()
    return "image '2' has no mask"


def damaged_mask(folder: Path) -> str:
    (folder / "masks" / "2.png").write_bytes(b"no image")
    return "cannot be read"


def image_of_other_channels(folder: Path) -> str:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "images" / "2.png")
    return "image '2' is RGB, the model is for gray images: pass --channels 1"


def damaged_image(folder: Path) -> str:
    (folder / "images" / "2.png").write_bytes(b"no image")
    return "1 unreadable image ('2.png': not an image)"


def taken_place(folder: Path) -> str:
    gray(folder / "out" / "mine.png")
    return "it holds files already"


@pytest.mark.parametrize(
    "spoil",
    [
        mask_of_another_size,
        wholly_masked,
        no_mask,
        damaged_mask,
        image_of_other_channels,
        damaged_image,
        taken_place,
    ],
)
def test_images_and_masks_that_do_not_fit_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path, spoil: object
) -> None:
    for number in (1, 2):
        gray(tmp_path / "images" / f"{number}.png")
        gray(tmp_path / "masks" / f"{number}.png")
    expected = spoil(tmp_path)  # type: ignore[operator]
    before = sorted(tmp_path.rglob("*"))
    words = ("--mask", tmp_path / "masks", "--out", tmp_path / "out")
    assert expected in told(capsys, monkeypatch, "restorer", "apply", model, tmp_path / "images", *words)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_model_of_one_answer_is_not_asked_for_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path
) -> None:
    gray(tmp_path / "images" / "1.png")
    words = ("--answers", 3, "--out", tmp_path / "out")
    line = told(capsys, monkeypatch, "restorer", "apply", model, tmp_path / "images", *words)
    assert "has one answer" in line and not (tmp_path / "out").exists()
