"""Images in and out as files: all of them, as they are, each under a name of its own, beside its own mask."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Many, save_npz
from elmyr.tasks.restoration import Masks, Repair, damage_files, repair_files


def gray(path: Path, value: int = 0, size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, value, np.uint8)).save(path)


def seen(many: Many) -> dict[str, int]:
    return {name: int(pixels.max()) for name, pixels in many}


def anything(shape: tuple[int, int, int], what: str) -> None:
    """What takes every image."""


def white(pixels: np.ndarray, hidden: np.ndarray | None, first: int = 0) -> Repair:
    """A repair that paints white."""
    repair = Repair.room_for(pixels, 1)
    repair.images[:] = pixels if hidden is None else np.where(hidden[..., None], 255, pixels)
    return repair


def test_the_first_images_keep_their_names_and_their_own_masks(tmp_path: Path) -> None:
    for number in range(12):
        gray(tmp_path / "images" / f"page{number:02}.png", 10 * number, size=(8, 8 + number % 2))
        mask = np.zeros((8, 8 + number % 2), np.uint8)
        mask[number % 8] = 255
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(tmp_path / "masks" / f"page{number:02}.png")
    many = Many(tmp_path / "images", limit=5)
    assert many.count == 5 and seen(many) == {f"page{number:02}": 10 * number for number in range(5)}
    masks = Masks(tmp_path / "masks")
    assert repair_files(many, white, tmp_path / "out", fits=anything, masks=masks) == 5
    for number in range(5):
        made = np.asarray(Image.open(tmp_path / "out" / "repaired" / f"page{number:02}.png"))
        assert np.flatnonzero((made == 255).all(1)).tolist() == [number % 8]


def test_images_of_one_class_are_named_from_the_folder_on(tmp_path: Path) -> None:
    gray(tmp_path / "scans" / "cat" / "one.png", 7)
    assert seen(Many(tmp_path / "scans")) == {"cat/one": 7}


def test_the_test_part_takes_part(tmp_path: Path) -> None:
    gray(tmp_path / "scans" / "train" / "cat" / "one.png", 7)
    gray(tmp_path / "scans" / "test" / "cat" / "one.png", 9, size=(5, 6))
    assert seen(Many(tmp_path / "scans")) == {"train/cat/one": 7, "test/cat/one": 9}
    assert seen(Many(tmp_path / "scans", limit=1)) == {"train/cat/one": 7}


def test_sets_are_numbered_from_their_beginning_in_the_channels_that_are_asked_for(tmp_path: Path) -> None:
    save_npz(ImageSet(np.arange(0, 200, 10, dtype=np.uint8).repeat(64).reshape(20, 8, 8, 1), None), tmp_path / "a.npz")
    many = Many(tmp_path / "a.npz", limit=3, channels=3)
    assert seen(many) == {"000000": 0, "000001": 10, "000002": 20}
    assert {pixels.shape for _, pixels in many} == {(8, 8, 3)}


def test_two_files_that_would_get_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("x.png", "x.jpg", "y.png"):
        gray(tmp_path / "scans" / name)
    for opened in (Many, Masks):
        with pytest.raises(InputError, match=r"'x\.jpg' and 'x\.png', which differ in the suffix alone: rename one"):
            opened(tmp_path / "scans")


@pytest.mark.parametrize("words", ["missing:0-0.1", "left:0.5,right:0.5", "strokes:100", "noise:0.1,strokes:1"])
def test_what_is_damaged_can_be_repaired_with_its_masks(tmp_path: Path, words: str) -> None:
    for number in range(6):
        gray(tmp_path / "images" / f"{number}.png", 100, size=(4, 4 + number))
    assert damage_files(Many(tmp_path / "images"), words, tmp_path / "bad", seed=1) == 6
    again = Many(tmp_path / "bad" / "images")
    masks = Masks(tmp_path / "bad" / "masks")
    assert repair_files(again, white, tmp_path / "good", fits=anything, masks=masks) == 6


def test_what_hides_nothing_leaves_no_masks(tmp_path: Path) -> None:
    gray(tmp_path / "images" / "1.png")
    damage_files(Many(tmp_path / "images"), "noise:0.1,blur", tmp_path / "bad")
    assert [path.name for path in (tmp_path / "bad").iterdir()] == ["images"]


def test_an_image_is_repaired_by_its_number_whatever_its_neighbors(tmp_path: Path) -> None:
    for number in range(5):
        gray(tmp_path / "images" / f"{number}.png", size=(8, 8 + number // 3))
    told: list[tuple[int, int]] = []

    def mend(pixels: np.ndarray, hidden: np.ndarray | None, first: int) -> Repair:
        told.append((first, len(pixels)))
        return white(pixels, hidden)

    repair_files(Many(tmp_path / "images"), mend, tmp_path / "out", fits=anything)
    assert told == [(0, 3), (3, 2)]


def test_what_is_made_of_a_group_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        gray(tmp_path / "images" / f"{number}.png")
    monkeypatch.setattr("elmyr.images.decode.image_files.VALUES", 2 * 64 * 12)
    many = Many(tmp_path / "images")
    assert [len(names) for names, _ in many.groups()] == [5]
    assert [len(names) for names, _ in many.groups(12)] == [2, 2, 1]
    assert [len(names) for names, _ in many.groups(1000)] == [1] * 5


@pytest.mark.parametrize("out", ["images/out", "images/a/out"])
def test_a_place_among_the_images_is_refused(tmp_path: Path, out: str) -> None:
    gray(tmp_path / "images" / "1.png")
    many = Many(tmp_path / "images")
    for call in (
        lambda: repair_files(many, white, tmp_path / out, fits=anything),
        lambda: damage_files(many, "noise", tmp_path / out),
    ):
        with pytest.raises(InputError, match="where the images are: choose a place outside"):
            call()
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["1.png"]
