from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from elmyr.errors import InputError
from elmyr.images import ImageSet, check_writable, open_source, save_images, save_npz

names = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)


@st.composite
def image_sets(draw: st.DrawFn) -> ImageSet:
    count, height, width = (draw(st.integers(1, 5)) for _ in range(3))
    images = draw(arrays(np.uint8, (count, height, width, draw(st.sampled_from([1, 3])))))
    classes = tuple(draw(st.lists(names, max_size=4, unique=True)))
    labels = draw(arrays(np.int64, count, elements=st.integers(0, len(classes) - 1))) if classes else None
    return ImageSet(images, labels, classes)


def blank(n: int = 5) -> ImageSet:
    return ImageSet(np.zeros((n, 2, 3, 1), np.uint8), None)


@settings(max_examples=60, deadline=None)
@given(image_sets())
def test_what_is_written_as_npz_is_read_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, images: ImageSet
) -> None:
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    save_npz(images, path)
    again = open_source(path).train
    assert np.array_equal(again.images, images.images)
    assert again.digest() == images.digest()
    assert again.classes == images.classes


def test_the_keys_and_types_are_those_that_other_programs_expect(tmp_path: Path) -> None:
    save_npz(ImageSet(blank().images, np.arange(5), tuple("abcde")), tmp_path / "labeled.npz")
    save_npz(blank(), tmp_path / "plain.npz")
    with np.load(tmp_path / "labeled.npz", allow_pickle=False) as arrays:
        kinds = {key: arrays[key].dtype.kind for key in arrays.files}
        assert kinds == {"images": "u", "labels": "i", "classes": "U"}
        assert arrays["images"].shape == (5, 2, 3, 1)
    with np.load(tmp_path / "plain.npz", allow_pickle=False) as arrays:
        assert "labels" not in arrays.files


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_npz(blank(), tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()

    def full(file: object, **arrays: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left"):
        save_npz(blank(9), tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_suffix_decides_the_kind_of_file(tmp_path: Path) -> None:
    save_images(blank(), tmp_path / "a.npz")
    assert len(open_source(tmp_path / "a.npz").train) == 5
    save_images(blank(), tmp_path / "a.PNG")
    with Image.open(tmp_path / "a.PNG") as picture:
        assert picture.size == (3 * 3 + 2, 2 * 2 + 1)  # 5 images: 3 columns, 2 rows


@pytest.mark.parametrize("act", [check_writable, lambda path: save_images(blank(), path)])
def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path, act: object) -> None:
    (tmp_path / "folder.npz").mkdir()
    for path, message in [
        (tmp_path / "nowhere" / "x.npz", "nowhere.*cannot be written"),
        (tmp_path / "folder.npz", "cannot be written"),
        (tmp_path / "x.gif", r"x.gif': give it the suffix .npz or .png"),
    ]:
        with pytest.raises(InputError, match=message) as caught:
            act(path)  # type: ignore[operator]  # both take a path
        assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder.npz"]


def test_the_check_leaves_an_old_file_as_it_is(tmp_path: Path) -> None:
    save_npz(blank(), tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()
    check_writable(tmp_path / "a.npz")
    check_writable(tmp_path / "b.png")
    assert (tmp_path / "a.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
