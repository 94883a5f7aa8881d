"""Bad input of the commands about translation: one line on stderr, exit code 2, nothing written."""

from pathlib import Path

import pytest
from PIL import Image

from elmyr import Translator
from elmyr.cli import main
from elmyr.images import save_npz
from tests.conftest import small_image_set
from tests.e2e.test_bad_input import told


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["translator", "train", "digits", "digits-thik"], "did you mean 'digits-thick'"),
        (["translator", "train", "nowhere", "digits"], "nowhere"),
        (["translator", "train", "digits", "digits-thick", "--method", "cycel"], "did you mean 'cycle'"),
        (["translator", "train", "digits", "digits-thick", "--paired", "--method", "cycle"], "choose one"),
        (["translator", "train", "digits", "digits-thick", "--set", "botom=3"], "did you mean 'bottom'"),
        (["translator", "train", "digits", "digits-thick", "--set", "widths=[0]"], "greater than or equal to 1"),
        (["translator", "train", "digits", "digits-thick", "--images", "0"], "--images"),
        (["translator", "train", "digits", "digits-thick", "--recognizer", "no/run"], "no run directory 'no/run'"),
        (["translator", "train", "digits"], "B"),
        (["translator", "apply", "nowhere", "digits", "--out", "out"], "no run directory 'nowhere'"),
        (["translator", "apply", "latest", "digits", "--out", "out"], "elmyr translator train"),
        (["translator", "apply", "nowhere", "digits", "--channels", "2", "--out", "out"], "--channels"),
        (["translator", "evaluate", "nowhere"], "no run directory 'nowhere'"),
        (["translator", "evaluate", "nowhere", "--out", "page.txt"], ".html"),
        (["recognizer", "train", "digits", "--target", "nowhere"], "nowhere"),
        (["recognizer", "train", "digits", "--target", "digits-slant", "--method", "augment"], "--target has a method"),
        (["recognizer", "train", "digits", "--target", "digits-slant", "--no-self-training"], "nothing is adapted"),
        (["recognizer", "train", "digits", "--target", "digits-slant", "--translation", "0"], "--translation is '0'"),
        (["recognizer", "train", "digits", "--no-self-training"], "are for --target"),
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


def picture(path: Path, size: tuple[int, int] = (8, 8), mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size[::-1], 60).save(path)


def kinds(folder: Path) -> None:
    for side in ("a", "b"):
        for number in range(6):
            picture(folder / side / f"{number}.png")


def test_kinds_of_unequal_size_or_channels_are_told_with_the_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds(tmp_path)
    for mode, size, option in (("L", (9, 12), "--size 8x8"), ("RGB", (8, 8), "--channels 3")):
        for number in range(6):
            picture(tmp_path / "b" / f"{number}.png", size, mode)
        line = told(capsys, monkeypatch, "translator", "train", tmp_path / "a", tmp_path / "b", "--images", "16")
        assert option in line and not (tmp_path / "runs").exists()
    words = ("--size", "8", "--channels", "3", "--images", "4", "--set", "widths=[4]", "--quiet")
    monkeypatch.setattr("sys.argv", ["elmyr", "translator", "train", f"{tmp_path}/a", f"{tmp_path}/b", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code


def test_an_empty_kind_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds(tmp_path)
    (tmp_path / "none").mkdir()
    line = told(capsys, monkeypatch, "translator", "train", tmp_path / "a", tmp_path / "none")
    assert "none" in line and "no image" in line
    assert not (tmp_path / "runs").exists()


def test_pairs_whose_names_do_not_match_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds(tmp_path)
    for number in range(4):
        (tmp_path / "b" / f"{number}.png").rename(tmp_path / "b" / f"other-{number}.png")
    line = told(capsys, monkeypatch, "translator", "train", tmp_path / "a", tmp_path / "b", "--paired")
    assert "4 of the images of 'a' have no pair in 'b': '0', '1', '2', …" in line
    (tmp_path / "b" / "other-3.png").unlink()
    for number in range(3):
        (tmp_path / "b" / f"other-{number}.png").rename(tmp_path / "b" / f"{number}.png")
    (tmp_path / "a" / "3.png").unlink()
    picture(tmp_path / "b" / "late.png")
    line = told(capsys, monkeypatch, "translator", "train", tmp_path / "a", tmp_path / "b", "--paired")
    assert "1 of the images of 'b' have no pair in 'a': 'late'" in line
    assert not (tmp_path / "runs").exists()


def test_the_way_that_was_not_learned_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = small_image_set(20)
    settings = {"widths": (4,), "bottom": 1, "discriminator_base": 4, "back": False}
    Translator(method="contrastive", images=16, settings=settings, device="cpu").fit(images, images).save(
        tmp_path / "model"
    )
    save_npz(small_image_set(4, channels=3), tmp_path / "color.npz")
    for words, expected in (
        (("digits", "--back", "--out", tmp_path / "out"), "one way alone"),
        ((tmp_path / "color.npz", "--out", tmp_path / "out"), "pass --channels 1"),
        ((tmp_path / "color.npz", "--out", tmp_path / "out.npz"), "pass --channels 1"),
        (("digits", "--out", tmp_path / "out.xyz"), ".xyz"),
    ):
        line = told(capsys, monkeypatch, "translator", "apply", tmp_path / "model", *words)
        assert expected in line and not (tmp_path / "out").exists()
