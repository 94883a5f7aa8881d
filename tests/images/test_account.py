"""The account of an image set: exact counts, and each oddity told when it is there and only then."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from elmyr import metrics
from elmyr.core.errors import InputError
from elmyr.images import Account, ImageSet, save_images, save_npz, save_overview, take_account
from elmyr.images.dataset.description import UNBALANCED

Pixels = NDArray[np.uint8]
NONE: dict[str, Any] = {"count": 0, "names": ()}
NO_PAIRS: dict[str, Any] = {"count": 0, "examples": ()}
FORMS = ("a", "a.npz", "a.parquet", "a.tar")


def write(folder: Path, images: Mapping[str, Pixels]) -> Path:
    for name, pixels in images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    return folder


def one(value: int, *, border: int | None = None, size: tuple[int, int] = (3, 4)) -> Pixels:
    """3 high and 4 wide, with black or white in a corner of the middle, so that it is not of one color."""
    pixels = np.full(size, value, np.uint8)
    pixels[1, 1] = border if border is not None else value // 2
    return pixels


def dark(n: int, seed: int = 0) -> list[Pixels]:
    """White noise on a dark ground: images with nothing odd."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, 6, 6), np.uint8)
    images[:, 1:5, 1:5] = rng.integers(0, 256, (n, 4, 4))
    return list(images)


def oddities(tmp_path: Path, images: list[Pixels], labels: list[int] | None = None, classes: str = "") -> list[str]:
    """What is odd about them, with labels or without."""
    stacked = np.stack(images)[..., None]
    of_classes = tuple(classes) if labels is not None else ()
    image_set = ImageSet(stacked, None if labels is None else np.array(labels, np.int64), of_classes)
    save_npz(image_set, tmp_path / "odd.npz")
    return list(take_account(tmp_path / "odd.npz").oddities)


# --- counts


def test_everything_is_counted_exactly(tmp_path: Path) -> None:
    color = np.zeros((2, 2, 3), np.uint8)
    color[0, 0] = 7, 100, 250
    write(
        tmp_path / "pets",
        {
            "cat/0.png": np.array([[3, 5], [7, 9]], np.uint8),
            "cat/1.png": np.full((3, 4), 200, np.uint8),
            "dog/0.png": color,
            "dog/1.png": np.array([[3, 5], [7, 9]], np.uint8),
            "dog/2.png": np.full((2, 2), 10, np.uint8),
        },
    )
    account = take_account(tmp_path / "pets")
    assert account.name == "pets"
    assert asdict(account.train) == {
        "count": 5,
        "sizes": {"2x2": 4, "3x4": 1},
        "modes": {"L": 4, "RGB": 1},
        "classes": {"cat": 2, "dog": 3},
        "lowest": 0,
        "highest": 250,
        "mean": pytest.approx((6 + 200 + 357 / 12 + 6 + 10) / 5),
        "duplicates": 1,
        "duplicate_examples": (("cat/0.png", "dog/1.png"),),
        "unreadable": None,
        "labels_from": "the class folders",
        "odd": {
            "blank": {"count": 2, "names": ("cat/1.png", "dog/2.png")},
            "near_duplicates": NO_PAIRS,
            "two_classes": {"count": 1, "examples": (("cat/0.png", "dog/1.png"),)},
            "outliers": NONE,
            "blurred": NONE,
        },
    }
    assert account.test is None and account.leaked == 0


def test_sizes_and_modes_come_with_the_most_frequent_first(tmp_path: Path) -> None:
    images = {f"{n}.png": one(n, size=(5, 5) if n > 2 else (9, 2)) for n in range(10)}
    account = take_account(write(tmp_path / "data", images))
    assert list(account.train.sizes.items()) == [("5x5", 7), ("9x2", 3)]
    assert account.train.classes == {}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_the_mode_is_that_of_the_file(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (4, 3), (200, 10, 30)).convert(mode).save(tmp_path / f"a.{'jpg' if mode == 'CMYK' else 'png'}")
    assert take_account(tmp_path).train.modes == {mode: 1}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("classes", [("b", "a", "never"), ()], ids=["labeled", "unlabeled"])
def test_the_account_does_not_depend_on_the_form(tmp_path: Path, form: str, classes: tuple[str, ...]) -> None:
    images = np.stack(dark(12))[..., None].repeat(3, axis=3)
    images[7], images[9] = images[2], images[2]
    labels = np.arange(12, dtype=np.int64) % 2 if classes else None  # other ones for both
    save_images(ImageSet(images, labels, classes), tmp_path / form)
    part = asdict(take_account(tmp_path / form).train)
    assert bool(part.pop("labels_from")) == (bool(classes) and form != "a.npz")
    twins = [tuple(map(number_of, pair)) for pair in part.pop("duplicate_examples")]
    assert sorted(pair[0] for pair in twins) == [2, 2] and sorted(pair[1] for pair in twins) == [7, 9]
    empty = {} if form in ("a", "a.tar") else {"never": 0}  # where only images tell of the classes
    odd = part.pop("odd")
    assert odd.pop("two_classes")["count"] == (2 if classes else 0)
    assert odd == {"blank": NONE, "near_duplicates": NO_PAIRS, "outliers": NONE, "blurred": NONE}
    assert part == {
        "count": 12,
        "sizes": {"6x6": 12},
        "modes": {"RGB": 12},
        "classes": {"b": 6, "a": 6} | empty if classes else {},
        "lowest": 0,
        "highest": int(images.max()),
        "mean": pytest.approx(images.mean()),
        "duplicates": 2,
        "unreadable": None,
    }


def number_of(name: str) -> int:
    return int("".join(char for char in name.removeprefix("a.") if char.isdecimal()))


# --- twins


def test_each_image_that_equals_an_earlier_one_is_a_duplicate_named_beside_the_first(tmp_path: Path) -> None:
    images = {f"{n}.png": one(10 if n in (1, 4, 5) else 100 + n) for n in range(7)}
    train = take_account(write(tmp_path / "data", images)).train
    assert train.duplicates == 2
    assert train.duplicate_examples == (("1.png", "4.png"), ("1.png", "5.png"))


def test_of_many_duplicates_five_are_named(tmp_path: Path) -> None:
    train = take_account(write(tmp_path / "data", {f"{n}.png": one(10) for n in range(9)})).train
    assert train.duplicates == 8
    assert train.duplicate_examples == tuple(("0.png", f"{n}.png") for n in range(1, 6))


def test_the_same_bytes_in_another_shape_or_one_other_pixel_are_no_duplicate(tmp_path: Path) -> None:
    pixels = np.arange(36, dtype=np.uint8)
    almost = pixels.copy()
    almost[-1] += 1
    images = {
        "0.png": pixels.reshape(4, 9),
        "1.png": pixels.reshape(9, 4),
        "2.png": pixels.reshape(4, 3, 3),
        "3.png": almost.reshape(4, 9),
    }
    assert take_account(write(tmp_path / "data", images)).train.duplicates == 0


def test_the_same_picture_in_another_file_format_is_a_duplicate(tmp_path: Path) -> None:
    write(tmp_path / "data", {"a.png": one(10), "b.bmp": one(10), "c.tif": one(10)})
    assert take_account(tmp_path / "data").train.duplicates == 2


# --- a test part


def test_test_images_that_are_training_images_too_are_told(tmp_path: Path) -> None:
    images = {f"train/{'ab'[n % 2]}/{n}.png": image for n, image in enumerate(dark(6))}
    images |= {f"test/{'ab'[n % 2]}/{n}.png": image for n, image in enumerate(dark(4, seed=1))}
    clean = take_account(write(tmp_path / "data", images))
    assert clean.test is not None
    assert (clean.train.count, clean.test.count, clean.leaked, clean.oddities) == (6, 4, 0, ())
    leaking = {"test/a/x.png": images["train/a/0.png"], "test/b/y.png": images["train/a/0.png"]}
    account = take_account(write(tmp_path / "data", leaking | {"test/b/z.png": images["test/a/0.png"]}))
    assert account.test is not None
    assert account.leaked == 2
    assert account.oddities == (
        "2 test images are training images, too: figures of the test part will flatter",
        "2 test images equal one of another class, or nearly (test/b/y.png ~ test/a/x.png; test/b/z.png ~ "
        "test/a/0.png): look at their labels",
    )
    assert (account.train.duplicates, account.test.duplicates) == (0, 2)
    assert account.test.duplicate_examples == (("test/a/x.png", "test/b/y.png"), ("test/a/0.png", "test/b/z.png"))
    assert account.test.classes == {"a": 3, "b": 4}


def test_a_test_part_of_another_size_is_told(tmp_path: Path) -> None:
    images = {f"train/a/{n}.png": image for n, image in enumerate(dark(3))}
    images |= {f"test/a/{n}.png": np.pad(image, 1) for n, image in enumerate(dark(3, seed=1))}
    account = take_account(write(tmp_path / "data", images))
    assert account.oddities == (
        "the images are of 6x6 to 8x8 pixels: a training takes them at 8x8, or at another --size",
    )


# --- damage


def test_unreadable_images_are_named_and_not_counted(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {f"{'ab'[n % 2]}/{n}.png": image for n, image in enumerate(dark(8))})
    (folder / "a" / "0.png").write_bytes(b"not an image")
    whole = (folder / "b" / "3.png").read_bytes()
    (folder / "b" / "3.png").write_bytes(whole[:-20])  # the header is whole
    train = take_account(folder).train
    assert train.count == 6 and train.classes == {"a": 3, "b": 3} and train.sizes == {"6x6": 6}
    assert train.unreadable is not None
    assert train.unreadable.startswith("2 unreadable images ('a/0.png': not an image, 'b/3.png': ")


def test_a_set_of_which_nothing_can_be_read_is_told_too(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.png").write_bytes(b"")
    account = take_account(tmp_path)
    assert asdict(account.train) == {
        "count": 0, "sizes": {}, "modes": {}, "classes": {}, "lowest": 0, "highest": 0, "mean": 0.0, "duplicates": 0,
        "duplicate_examples": (), "unreadable": account.train.unreadable,
        "labels_from": None,
        "odd": {
            "blank": NONE, "near_duplicates": NO_PAIRS, "two_classes": NO_PAIRS, "outliers": NONE, "blurred": NONE,
        },
    }  # fmt: skip
    assert account.train.unreadable is not None and account.train.unreadable.startswith("7 unreadable images ('0.png'")
    assert account.train.unreadable.endswith(", …)") and account.oddities == ()
    with pytest.raises(InputError, match="7 unreadable images"):
        save_overview(account, tmp_path, tmp_path / "grid.png")


@pytest.mark.parametrize("name", ["nothing/here", "mnits", "notes.txt"])
def test_what_is_no_image_set_has_no_account(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=name):
        take_account(name)


# --- oddities


def test_nothing_is_odd_about_real_images() -> None:
    account = take_account("digits")
    assert account.oddities == () and account.train.duplicates == 0
    assert account.train.count == sum(account.train.classes.values()) == 1797


@pytest.mark.parametrize("low", [0, 1])
def test_images_of_zeros_and_ones_are_told_with_the_mend(tmp_path: Path, low: int) -> None:
    images = [(image > 99).astype(np.uint8) for image in dark(9)]
    told = "all pixels are 0 or 1, nearly black: pass --range 0:1 where 1 is white"
    assert oddities(tmp_path, images) == [told]
    images[3][2, 2] = 2
    assert oddities(tmp_path, images) == ["all pixels lie between 0 and 2: the images have next to no contrast"]
    images[3][2, 2] = 64
    assert oddities(tmp_path, images) == []


@pytest.mark.parametrize(("low", "high", "odd"), [(100, 163, True), (100, 164, False), (0, 63, True), (192, 255, True)])
def test_low_contrast_is_told_with_its_range(tmp_path: Path, low: int, high: int, odd: bool) -> None:
    images = [np.where(image > 99, high, low).astype(np.uint8) for image in dark(9)]
    told = f"all pixels lie between {low} and {high}: the images have next to no contrast"
    assert oddities(tmp_path, images) == [told] * odd


def test_images_of_one_color_are_counted(tmp_path: Path) -> None:
    images = [*dark(20), *(np.full((6, 6), value, np.uint8) for value in (0, 30, 60))]
    assert oddities(tmp_path, images) == ["3 training images are of one color (20, 21, 22)"]
    assert oddities(tmp_path, images[:20]) == []


@pytest.mark.parametrize(("count", "odd"), [(0, False), (2, False), (3, True), (50, True), (97, True), (98, False)])
def test_some_inverted_images_are_told_all_or_hardly_any_are_not(tmp_path: Path, count: int, odd: bool) -> None:
    images = [255 - image if number < count else image for number, image in enumerate(dark(100))]
    told = f"{count:,} images have a light ground, {100 - count:,} a dark one: some are inverted"
    assert oddities(tmp_path, images) == [told] * odd


def test_photographs_with_grounds_of_every_brightness_are_not_called_inverted(tmp_path: Path) -> None:
    images = [image + np.uint8(0) for image in dark(100)]
    for number, image in enumerate(images):
        image[[0, -1]], image[:, [0, -1]] = number * 2.5, number * 2.5
    assert oddities(tmp_path, images) == []


def test_unbalanced_means_the_same_in_an_account_and_in_a_training() -> None:
    assert UNBALANCED == metrics.UNBALANCED


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([5, 2], []),
        ([6, 2], ["the classes are unbalanced: 6 images of 'a', 2 of 'b'"]),
        ([1, 11, 3], ["the classes are unbalanced: 11 images of 'b', 1 of 'a'"]),
        ([11, 0], ["the classes are unbalanced: 11 images of 'a', 0 of 'b'"]),
        ([2, 0], []),
        ([5, 5, 5], []),
    ],
)
def test_unbalanced_classes_are_told_with_the_largest_and_the_smallest(
    tmp_path: Path, counts: list[int], told: list[str]
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts).tolist()
    assert oddities(tmp_path, dark(len(labels)), labels, "abc"[: len(counts)]) == told


def test_photos_too_large_for_a_gan_are_told_with_the_size_that_is_taken(tmp_path: Path) -> None:
    told = ["the images are of 130x140 pixels: a training takes them at 64x64, or at another --size"]
    photos = [np.tile(image, (22, 24))[:130, :140] for image in dark(3)]
    assert list(take_account(write(tmp_path / "data", {f"{n}.png": p for n, p in enumerate(photos)})).oddities) == told


def test_several_sizes_are_told_with_the_option_that_mends_them(tmp_path: Path) -> None:
    images = dark(4)
    images[2] = np.pad(images[2], 2)
    account = take_account(write(tmp_path / "data", {f"{n}.png": image for n, image in enumerate(images)}))
    assert account.oddities == (
        "the images are of 6x6 to 10x10 pixels: a training takes them at 8x8, or at another --size",
    )


# --- as JSON, and drawn


def test_the_json_holds_all_of_it(tmp_path: Path) -> None:
    images = {f"train/{'ab'[n % 2]}/{n}.png": image for n, image in enumerate(dark(6))}
    images |= {f"test/{'ab'[n % 2]}/{n}.png": image for n, image in enumerate(dark(4))}
    account = take_account(write(tmp_path / "data", images))
    content: dict[str, Any] = json.loads(json.dumps(account.as_json(), allow_nan=False))
    assert list(content) == ["name", "train", "test", "leaked", "nearly_leaked", "oddities", "notes"]
    assert content["leaked"] == 4
    for part, of in (("train", account.train), ("test", account.test)):
        assert of is not None
        assert content[part] == json.loads(json.dumps(asdict(of)))
        assert list(content[part]) == [
            "count", "sizes", "modes", "classes", "lowest", "highest", "mean", "duplicates", "duplicate_examples",
            "unreadable", "labels_from", "odd",
        ]  # fmt: skip


def drawn(account: Account, source: Path) -> Pixels:
    save_overview(account, source, source.parent / "grid.png")
    with Image.open(source.parent / "grid.png") as picture:
        assert picture.format == "PNG" and picture.width == 7 * 69
        return np.asarray(picture)[::7, ::7]  # each pixel stands as 7x7 in it


def test_the_overview_has_a_row_of_ten_for_each_class(tmp_path: Path) -> None:
    labels = np.repeat(np.arange(3), [12, 4, 10]).astype(np.int64)
    images = np.stack(dark(26))[..., None]
    save_npz(ImageSet(images, labels, tuple("abc")), tmp_path / "x.npz")
    grid = drawn(take_account(tmp_path / "x.npz"), tmp_path / "x.npz")
    assert grid.shape == (3 * 7 - 1, 10 * 7 - 1)
    assert np.array_equal(grid[:6, 9 * 7 : 9 * 7 + 6], images[9, ..., 0])
    assert np.array_equal(grid[7:13, :6], images[12, ..., 0])
    assert (grid[7:13, 4 * 7 :] == 128).all()  # the second class has four


@pytest.mark.parametrize(("count", "rows"), [(5, 1), (10, 1), (11, 2), (100, 10), (130, 10)])
def test_the_overview_of_images_without_labels_is_at_most_ten_rows(tmp_path: Path, count: int, rows: int) -> None:
    save_npz(ImageSet(np.stack(dark(count))[..., None], None), tmp_path / "x.npz")
    assert drawn(take_account(tmp_path / "x.npz"), tmp_path / "x.npz").shape == (rows * 7 - 1, 69)


def test_images_of_several_sizes_are_drawn_in_the_size_of_most(tmp_path: Path) -> None:
    images = {f"{n}.png": image if n else np.pad(image, 3) for n, image in enumerate(dark(5))}
    folder = write(tmp_path / "data", images)
    assert drawn(take_account(folder), folder).shape == (6, 69)


def test_photos_are_drawn_small(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "data", {f"{n}.png": np.kron(image, np.ones((60, 90), np.uint8)) for n, image in enumerate(dark(3))}
    )
    save_overview(take_account(folder), folder, tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (10 * 161 - 1, 107)  # ten of 160x107 in a row, and a line between
