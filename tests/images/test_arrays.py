"""Archives of arrays as other tools write them: their keys, parts, layouts, labels and ranges, and what is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.core.notes import Note, kept_notes
from elmyr.images import AS_BYTES, Shaping, Source, convert, load_images, open_source, save_npz, take_account
from tests.conftest import small_image_set

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (40, 12, 10), dtype=np.uint8)
LABELS = np.arange(40) % 4


def opened(path: Path, shaping: Shaping = Shaping()) -> tuple[Source, list[str]]:  # noqa: B008  # frozen
    """A source, and what is told of it."""
    with kept_notes() as told:
        return open_source(path, shaping=shaping), told


def saved(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "set.npz", **arrays)
    return folder / "set.npz"


# --- keys and parts


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("images", "labels"),
        ("x_{}", "y_{}"),
        ("X_{}", "Y_{}"),
        ("{}_images", "{}_labels"),
        ("{}X", "{}Y"),
        ("images_{}", "targets_{}"),
        ("data", "target"),
        ("arr_0", "arr_1"),
        ("X", "y"),
    ],
)
def test_images_and_labels_are_found_under_the_names_that_tools_give_them(
    tmp_path: Path, images: str, labels: str
) -> None:
    parts = {"train": slice(0, 30), "test": slice(30, 40)} if "{}" in images else {"": slice(0, 40)}
    arrays = {images.format(part): IMAGES[kept] for part, kept in parts.items()}
    arrays |= {labels.format(part): LABELS[kept] for part, kept in parts.items()}
    source, told = opened(saved(tmp_path, **arrays))
    assert np.array_equal(source.train.images[..., 0], IMAGES[: len(source.train)])
    assert source.train.require_labels().tolist() == LABELS[: len(source.train)].tolist()
    assert source.name == "set" and told == []
    assert (source.test is not None) == ("{}" in images)
    if source.test is not None:
        assert np.array_equal(source.test.images[..., 0], IMAGES[30:])
        assert source.test.require_labels().tolist() == LABELS[30:].tolist()


def test_validation_images_are_training_images_and_classes_are_those_of_all_parts(tmp_path: Path) -> None:
    arrays = {f"{part}_images": IMAGES[:10] for part in ("train", "val", "test")}
    labels = {
        "train_labels": np.full((10, 1), 5),
        "val_labels": np.full((10, 1), 9),
        "test_labels": np.full((10, 1), 5),
    }
    source, _ = opened(saved(tmp_path, **arrays, **labels))
    assert len(source.train) == 20 and source.test is not None
    assert source.train.classes == source.test.classes == ("5", "9")
    assert source.train.require_labels().tolist() == [0] * 10 + [1] * 10


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path, images=IMAGES, labels=LABELS, weights=LABELS, x_test=IMAGES[:4], data=IMAGES)
    source, told = opened(path)
    assert source.test is None
    assert told == [f"'{path}': not read: 'data', 'weights'", f"'{path}': 'x_test' is left out, as it has no labels"]
    assert list(take_account(path).notes) == told


def test_keys_that_tell_of_no_images_are_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"set.npz'.* no key 'images', only 'bird', 'cat': write it with numpy\.savez"):
        opened(saved(tmp_path, cat=IMAGES, bird=IMAGES))


def test_names_of_classes_come_with_labels_in_names_or_numbers(tmp_path: Path) -> None:
    source, _ = opened(saved(tmp_path, images=IMAGES, target=LABELS, target_names=np.array(list("dcba"))))
    assert source.train.classes == tuple("dcba")
    source, _ = opened(saved(tmp_path, images=IMAGES, y=np.array(list("dcba"))[LABELS]))
    assert source.train.classes == tuple("abcd") and source.train.require_labels()[:4].tolist() == [3, 2, 1, 0]


def test_a_folder_of_arrays_is_an_archive_whose_keys_are_the_names_of_the_files(tmp_path: Path) -> None:
    for name, array in {"X_train": IMAGES, "y_train": LABELS, "X_test": IMAGES[:5], "y_test": LABELS[:5]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    source, told = opened(tmp_path)
    assert np.array_equal(source.train.images[..., 0], IMAGES) and told == []
    assert source.test is not None and source.test.require_labels().tolist() == LABELS[:5].tolist()


def test_the_folder_of_one_archive_or_of_two_parts_is_read(tmp_path: Path) -> None:
    saved(tmp_path, images=IMAGES, labels=LABELS)
    assert len(opened(tmp_path)[0].train) == 40
    with kept_notes():
        convert(
            saved(tmp_path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:8], y_test=LABELS[:8]), tmp_path / "s.npz"
        )
    (tmp_path / "set.npz").unlink()
    source, _ = opened(tmp_path)
    assert (len(source.train), source.test and len(source.test)) == (40, 8)
    np.save(tmp_path / "more.npy", IMAGES)
    with pytest.raises(InputError, match="'more.npy', 'test-s.npz', 'train-s.npz': name the one that is meant"):
        opened(tmp_path)


# --- layouts and labels


def test_channels_first_and_one_hot_rows_are_read_and_told(tmp_path: Path) -> None:
    color = np.stack([IMAGES] * 3, axis=1)
    source, told = opened(saved(tmp_path, images=color, labels=np.eye(4)[LABELS]))
    assert np.array_equal(source.train.images, np.moveaxis(color, 1, -1))
    assert source.train.require_labels().tolist() == LABELS.tolist()
    assert [line.split(": ", 1)[1] for line in told] == [
        "the labels have the shape (40, 4), taken as one-hot rows of 4 classes: labels.argmax(1)",
        "the images have the shape (40, 3, 12, 10), taken as (N, C, H, W): np.moveaxis(images, 1, -1)",
    ]


def test_a_set_with_the_number_last_is_the_same_set(tmp_path: Path) -> None:
    square = IMAGES[:, :10]
    np.save(tmp_path / "hwn.npy", np.moveaxis(square, 0, -1))
    source, told = opened(tmp_path / "hwn.npy")
    assert np.array_equal(source.train.images[..., 0], square)
    assert len(told) == 1 and "np.moveaxis(images, -1, 0)" in told[0]


def test_a_file_too_large_for_memory_is_refused_in_another_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elmyr.images.storage.stored.LARGE", 1000)
    for number, images in enumerate((np.moveaxis(IMAGES[:, :10], 0, -1), IMAGES / np.float32(255))):
        np.save(tmp_path / f"{number}.npy", images)
        with pytest.raises(InputError, match=r"which is large: save it as uint8 \(N, H, W, C\)"):
            opened(tmp_path / f"{number}.npy")


# --- ranges


SCALED = {
    "bytes to 16": (IMAGES // 16).astype(np.uint8),
    "zeros and ones": (IMAGES > 127).astype(np.uint8),
    "12 bits": IMAGES.astype(np.uint16) * 16,
    "floats to 1": IMAGES / np.float32(255),
    "floats to 255": IMAGES.astype(np.float64),
    "around zero": IMAGES / 127.5 - 1,
    "truths": IMAGES > 127,
    "integers": IMAGES.astype(np.int64),
}


@pytest.mark.parametrize("kind", SCALED)
def test_values_of_any_usual_range_become_the_same_pixels_and_are_told(tmp_path: Path, kind: str) -> None:
    source, told = opened(saved(tmp_path, images=SCALED[kind], labels=LABELS))
    expected = np.where(IMAGES > 127, 255, 0) if kind in ("zeros and ones", "truths") else IMAGES
    assert np.abs(source.train.images[..., 0].astype(int) - expected).max() <= 16
    assert source.train.images.dtype == np.uint8
    assert [("is taken as black" in line) for line in told] == ([] if kind == "truths" else [True])


def test_eight_bits_of_low_contrast_stay_as_they_are(tmp_path: Path) -> None:
    dark = (IMAGES // 8).astype(np.uint8)
    source, told = opened(saved(tmp_path, images=dark, labels=LABELS))
    assert np.array_equal(source.train.images[..., 0], dark) and told == []


def test_the_range_of_both_parts_is_one(tmp_path: Path) -> None:
    bright, dark = np.full((12, 8, 8), 4000, np.uint16), np.full((12, 8, 8), 500, np.uint16)
    source, _ = opened(saved(tmp_path, x_train=bright, x_test=dark))
    assert source.test is not None
    assert (int(source.train.images.max()), int(source.test.images.max())) == (249, 31)
    assert source.shaping.range == (0, 4095)


def test_a_range_that_was_found_is_that_of_other_images(tmp_path: Path) -> None:
    source, _ = opened(saved(tmp_path, images=SCALED["12 bits"], labels=LABELS))
    dim = (SCALED["12 bits"][:3] // 8)[..., None]
    again, told = opened(saved(tmp_path, images=dim), source.shaping)
    assert np.abs(again.train.images - dim / 4095 * 255).max() <= 0.5 and told == []


def test_a_range_that_is_asked_for_is_taken_and_what_it_cuts_off_is_told(tmp_path: Path) -> None:
    source, told = opened(saved(tmp_path, images=IMAGES), Shaping(range=(50, 150)))
    assert np.array_equal(source.train.images[..., 0], np.rint(np.clip((IMAGES - 50.0) * 2.55, 0, 255)))
    assert len(told) == 1 and "beyond 50 (black) and 150 (white) is cut off" in told[0]


def test_values_of_no_known_range_are_refused_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"set.npz': the values go from -2 to 2, .*: pass --range -2:2"):
        opened(saved(tmp_path, images=(IMAGES / 255 - 0.5) / 0.25))


# --- image files of more than 8 bits


def deep_folder(folder: Path, scale: int, suffix: str = "png") -> Path:
    for number, image in enumerate(IMAGES[:12]):
        (folder / str(number % 2)).mkdir(parents=True, exist_ok=True)
        deep = (image.astype(np.uint16) * scale).astype(np.uint16)
        Image.fromarray(deep).save(folder / str(number % 2) / f"{number:02}.{suffix}")
    return folder


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(("scale", "white"), [(4, 1023), (16, 4095), (64, 16383), (257, 65535)])
def test_files_of_10_to_16_bits_are_stretched_by_the_whole_set(
    tmp_path: Path, suffix: str, scale: int, white: int
) -> None:
    folder = deep_folder(tmp_path / "deep", scale, suffix)
    source, told = opened(folder)
    order = [*range(0, 12, 2), *range(1, 12, 2)]
    assert np.abs(source.train.images[..., 0] - IMAGES[order] * (scale * 255 / white)).max() <= 0.5
    assert source.shaping.range == (0, white)
    assert told == ([] if white == 65535 else [
        f"'{folder}': values from 0 to {255 * scale}: 0 is taken as black, {white} as white; another range with "
        "--range LOW:HIGH"
    ])  # fmt: skip
    assert list(take_account(folder).notes) == told


def test_dark_files_of_eight_bits_are_stretched_where_all_are_dark(tmp_path: Path) -> None:
    for number, image in enumerate(IMAGES[:12]):
        Image.fromarray(image // 16).save(tmp_path / f"{number:02}.png")
    source, told = opened(tmp_path)
    assert np.array_equal(source.train.images[..., 0], (IMAGES[:12] // 16) * 17)
    assert len(told) == 1 and "15 as white" in told[0]
    Image.fromarray(IMAGES[0]).save(tmp_path / "bright.png")
    source, told = opened(tmp_path)
    assert source.train.images[:12].max() == 15 and told == []


def test_a_deep_and_a_plain_file_are_each_of_their_own_range(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 2000, np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(np.full((8, 8), 200, np.uint8)).save(tmp_path / "b.png")
    source, _ = opened(tmp_path)
    assert source.train.images[:, 0, 0, 0].tolist() == [125, 200]


# --- made elsewhere, and out again


def test_what_was_made_here_is_never_stretched(tmp_path: Path) -> None:
    black = small_image_set()
    black.images[:] //= 20
    save_npz(black, tmp_path / "collapsed.npz")
    assert np.array_equal(load_images(tmp_path / "collapsed.npz", shaping=AS_BYTES).images, black.images)


@pytest.mark.parametrize("out", ["out.npz", "out"])
def test_data_convert_writes_what_was_read(tmp_path: Path, out: str) -> None:
    path = saved(tmp_path, x_train=IMAGES[:24], y_train=LABELS[:24], x_test=IMAGES[24:], y_test=LABELS[24:])
    written = convert(path, tmp_path / out)
    assert len(written) == 2
    again = open_source(tmp_path / out).train if out == "out" else open_source(written[0]).train
    assert np.array_equal(np.sort(again.images.ravel()), np.sort(IMAGES[:24].ravel()))


def test_a_note_is_told_once_as_a_warning(tmp_path: Path) -> None:
    with pytest.warns(Note, match="16 as white") as told:
        load_images(saved(tmp_path, images=SCALED["bytes to 16"] + np.uint8(1)))
    assert len(told) == 1
