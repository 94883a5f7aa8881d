"""Near-duplicates, outliers and blurred images are told where they are, and hardly ever where they are not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from elmyr.images import ImageSet, load_images, save_images, save_npz, take_account
from elmyr.images.dataset.description import PartAccount
from elmyr.images.oddities import found, near
from elmyr.images.oddities.near import near_others, near_pairs
from elmyr.images.oddities.traces import Tracer, Traces
from elmyr.images.pictures.grid import as_picture

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_images("digits")


def shapes(count: int, side: int = 24, seed: int = 0, channels: int = 1) -> Pixels:
    """Blobs on a dark ground, no two alike."""
    noise = np.random.default_rng(seed).normal(size=(count, side, side, channels))
    smooth = gaussian_filter(noise, (0, 2, 2, 0))
    return np.clip(smooth / smooth.std() * 60 + 60, 0, 255).astype(np.uint8)


def traces(images: list[Pixels]) -> Traces:
    tracer = Tracer()
    for image in images:
        tracer.add(image)
    return tracer.taken()


def account(tmp_path: Path, images: Pixels, labels: list[int] | None = None) -> PartAccount:
    known = None if labels is None else np.array(labels, np.int64)
    save_npz(ImageSet(images, known, () if labels is None else ("a", "b")), tmp_path / "x.npz")
    return take_account(tmp_path / "x.npz").train


def compressed(image: Pixels) -> Pixels:
    file = BytesIO()
    as_picture(image).save(file, format="JPEG", quality=75)
    return np.asarray(Image.open(file)).reshape(image.shape)


def enlarged(image: Pixels) -> Pixels:
    larger = as_picture(image).resize((2 * image.shape[1], 2 * image.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(larger).reshape(2 * image.shape[0], -1, image.shape[2])


CHANGES = {
    "compressed": compressed,
    "enlarged": enlarged,
    "darker": lambda image: (image * 0.6).astype(np.uint8),
    "lighter": lambda image: (image * 0.7 + 70).astype(np.uint8),
    "noised": lambda image: np.clip(
        image + np.random.default_rng(0).normal(0, 4, image.shape), 0, 255
    ).astype(np.uint8),
    "in RGB": lambda image: image.repeat(3, axis=2),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_near_duplicates_and_no_others_are(change: str) -> None:
    images = list(shapes(60))
    copies = [CHANGES[change](images[place]) for place in (3, 17, 40)]
    pairs = near_pairs(traces(images + copies).means)
    assert set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == {(3, 60), (17, 61), (40, 62)}
    assert (np.diff(pairs.likeness) <= 0).all()
    others = near_others(traces(copies).means, traces([image.repeat(copies[0].shape[2], 2) for image in images]).means)
    assert sorted(zip(others.first.tolist(), others.second.tolist(), strict=True)) == [(3, 0), (17, 1), (40, 2)]


def test_the_search_tree_misses_no_pair() -> None:
    rng = np.random.default_rng(1)
    base = shapes(20, seed=2)
    spread = rng.uniform(0, 12, 200)[:, None, None, None]
    images = np.clip(base[np.arange(200) % 20] + rng.normal(size=(200, 24, 24, 1)) * spread, 0, 255).astype(np.uint8)
    means = traces(list(images)).means
    rows = means.astype(np.float64)
    likeness = np.triu(np.corrcoef(rows), 1)
    expected = set(zip(*(side.tolist() for side in np.nonzero(likeness >= near.ALIKE)), strict=True))
    found_pairs = near_pairs(means)
    known = set(zip(found_pairs.first.tolist(), found_pairs.second.tolist(), strict=True))
    assert known <= expected and {second for _, second in known} == {second for _, second in expected}


def test_the_same_shape_in_another_color_is_no_near_duplicate() -> None:
    gray = shapes(1)[0].astype(float)
    red, blue = (np.concatenate([gray * share for share in color], axis=2) for color in ((1, 0.2, 0.2), (0.2, 0.2, 1)))
    assert not len(near_pairs(traces([red.astype(np.uint8), blue.astype(np.uint8)]).means).first)


def test_near_duplicates_are_counted_once_and_those_of_two_classes_are_told(tmp_path: Path) -> None:
    images = shapes(40)
    images[30], images[31], images[35] = (images[4] * 0.8).astype(np.uint8), compressed(images[4]), images[7]
    train = account(tmp_path, images, [0] * 20 + [1] * 10 + [0] + [1] * 9)
    assert (train.duplicates, train.odd.near_duplicates.count) == (1, 2)
    assert {pair[1] for pair in train.odd.near_duplicates.examples} == {"30", "31"}
    assert (train.odd.two_classes.count, train.odd.two_classes.examples[0]) == (2, ("7", "35"))
    (told,) = take_account(tmp_path / "x.npz").oddities
    assert told.startswith("2 training images equal one of another class, or nearly (35 ~ 7; 31 ~ ")


def test_test_images_that_nearly_are_training_images_are_told_beside_those_that_are(tmp_path: Path) -> None:
    train, test = shapes(30), shapes(10, seed=5)
    test[2], test[6] = train[11], compressed(train[12])
    (tmp_path / "data").mkdir()
    for part, images in (("train", train), ("test", test)):
        save_images(ImageSet(images, np.arange(len(images)) % 2, ("a", "b")), tmp_path / "data" / part)
    told = take_account(tmp_path / "data")
    assert told.nearly_leaked is not None
    assert (told.leaked, told.nearly_leaked.count) == (1, 1)
    ((known, new),) = told.nearly_leaked.examples
    assert known.startswith("train/") and new.startswith("test/")
    assert told.oddities[-1].startswith("1 test images nearly are training images (test ~ training: test/")


def test_blank_images_are_named_and_are_no_near_duplicates(tmp_path: Path) -> None:
    images = shapes(20)
    images[5], images[9] = 7, 200
    odd = account(tmp_path, images).odd
    assert odd.blank.names == ("5", "9") and odd.near_duplicates.count == 0


@pytest.mark.parametrize("kind", ["noise", "inverted"])
def test_what_is_no_digit_is_an_outlier_among_digits(digits: ImageSet, tmp_path: Path, kind: str) -> None:
    images = digits.images.copy()
    strange = np.arange(100, 1700, 100)
    noise = np.random.default_rng(0).integers(0, 256, (len(strange), 8, 8, 1)).astype(np.uint8)
    images[strange] = noise if kind == "noise" else 255 - images[strange]
    save_npz(ImageSet(images, None), tmp_path / "x.npz")
    odd = take_account(tmp_path / "x.npz").train.odd
    assert odd.outliers.count == len(strange)
    assert {int(name) for name in odd.outliers.names} <= set(strange.tolist()) and len(odd.outliers.names) == 5


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_blurred_digits_are_told_whatever_their_contrast(digits: ImageSet, tmp_path: Path, sigma: float) -> None:
    images = digits.images.copy()
    soft = np.arange(50, 1750, 170)
    images[soft] = gaussian_filter(images[soft], (0, sigma, sigma, 0))
    images[3::7] = images[3::7] // 2
    odd = account(tmp_path, images).odd
    assert odd.blurred.count == len(soft) and {int(name) for name in odd.blurred.names} <= set(soft.tolist())


def test_of_a_few_images_none_is_called_an_outlier_or_blurred(tmp_path: Path) -> None:
    images = shapes(50)
    images[7], images[8] = 255 - images[7], gaussian_filter(images[8], (2, 2, 0))
    odd = account(tmp_path, images).odd
    assert (odd.outliers.count, odd.blurred.count) == (0, 0)


def test_of_a_large_set_a_part_is_compared_and_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "MOST", 20)
    images = shapes(50)
    images[21], images[22] = compressed(images[20]), compressed(images[19])
    images[33] = compressed(images[30])
    save_npz(ImageSet(images, None), tmp_path / "x.npz")
    told = take_account(tmp_path / "x.npz")
    assert told.train.odd.near_duplicates.examples == (("30", "33"),)  # places that three divides
    assert told.notes[-1] == (
        "near-duplicates, outliers and blurred images were looked for among 1 in 3 of 50 training images"
    )
