"""Variation: what is learned of classes with many images varies images of a class that was never seen, and keeps it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from elmyr import ImageSet, Recognizer
from elmyr.core.errors import InputError
from elmyr.tasks.recognition import TINY
from elmyr.tasks.variation import Variator, learn_variations
from elmyr.tasks.variation.groups import GroupData, teaching
from tests.conftest import small_image_set

CPU = torch.device("cpu")
BANDS = 5  # classes: where a bar stands; its images differ in how light it is


def bars(count: int, classes: tuple[int, ...], seed: int = 0) -> ImageSet:
    """Images 10x10 of a bar in one of five places, from dark to light."""
    random = np.random.default_rng(seed)
    labels = np.resize(np.array(classes, np.int64), count)
    images = random.integers(0, 20, (count, 10, 10, 1)).astype(np.uint8)
    for image, label, light in zip(images, labels, random.integers(60, 235, count), strict=True):
        image[2 * label : 2 * label + 2, 1:9] += np.uint8(light)
    return ImageSet(images, labels, tuple("abcde"), name="bars")


@pytest.fixture(scope="module")
def learned() -> Variator:
    """Of four of the five places."""
    return learn_variations(bars(400, (0, 1, 3, 4)), budget=6000, base=8, batch=16, device="cpu", precision="fp32")


def lightness(images: ImageSet) -> np.ndarray:
    """How light the bar of each image is."""
    rows = images.images.astype(float).mean((2, 3))
    return rows.max(1)


def test_an_image_of_a_class_never_seen_is_varied_and_keeps_its_class(learned: Variator) -> None:
    few = bars(5, (2,))
    made = learned.vary(few, 100)
    assert made.images.shape == (100, 10, 10, 1) and set(made.require_labels()) == {2} and made.classes == few.classes
    every = bars(500, tuple(range(BANDS)), seed=1)
    reader = Recognizer(method="supervised", updates=80, **TINY, device="cpu").fit(every.images, every.labels)
    assert np.mean(reader.predict(made.images) == 2) > 0.9
    of_one = learned.vary(few.take(np.array([0])), 60)
    real, spread = lightness(bars(200, (2,), seed=2)).std(), lightness(of_one).std()
    assert spread > real / 4
    assert len({image.tobytes() for image in of_one.images}) == 60


def test_variations_are_a_function_of_the_seed_and_of_how_far_they_go(learned: Variator) -> None:
    few = bars(10, (1, 2))
    once, again, other = (learned.vary(few, 300, seed=seed).images for seed in (0, 0, 1))
    assert np.array_equal(once, again) and not np.array_equal(once, other)
    assert np.array_equal(learned.vary(few, 20).images, once[:20])
    apart = [np.ptp(lightness(learned.vary(few.take(np.array([0])), 60, truncation=far))) for far in (0.3, 1.0)]
    assert apart[0] < apart[1]


def test_the_classes_are_varied_equally_often_and_their_images_in_turn(learned: Variator) -> None:
    images = bars(9, (0, 0, 3))  # six of one class, three of another, none of the third
    still = learned.vary(images, 12, truncation=1e-6)
    assert np.bincount(still.require_labels()).tolist() == [6, 0, 0, 6]
    each = learned.each_of(images, truncation=1e-6)
    assert each.require_labels().tolist() == images.require_labels().tolist()
    third = [image.tobytes() for image in still.images[still.labels == 3]]
    assert len(set(third)) == 3 and set(third) == {image.tobytes() for image in each.images[each.labels == 3]}


def test_what_was_saved_varies_as_before(learned: Variator, tmp_path: Path) -> None:
    learned.save(tmp_path / "variator")
    opened = Variator.load(tmp_path / "variator", device="cpu")
    few = bars(10, (1, 2))
    assert np.array_equal(opened.vary(few, 30).images, learned.vary(few, 30).images)
    told = {"data": "bars", "classes": ["a", "b", "d", "e"], "seed": 0, "images": 6000}
    assert opened.trained == told | {"seconds": learned.trained["seconds"]} and opened.trained["seconds"] > 0
    (tmp_path / "variator" / "variator.safetensors").write_bytes(b"0")
    with pytest.raises(InputError, match="no whole variator"):
        Variator.load(tmp_path / "variator")


def test_a_group_is_of_one_class_and_no_image_is_in_it_twice() -> None:
    blobs = small_image_set(60)
    numbered = blobs.images.copy()
    numbered[:, 0, 0, 0] = np.arange(60)
    images = ImageSet(numbered, (np.arange(60) % 17 // 8).astype(np.int64), ("a", "b", "c"))
    data = GroupData(images, seed=0, device=CPU)
    batch = data.batch(0, 600)
    places = batch.images[:, :, 0, 0].numpy()
    labels = images.require_labels()[places]
    assert (labels == labels[:, :1]).all() and labels[:, 0].tolist() == batch.labels.tolist()
    assert all(len(set(group)) == 3 for group in places.tolist())
    assert np.bincount(places[:, 0]).tolist() == [10] * 60
    for label in range(3):  # every other image of a class comes, and equally often
        counts = np.bincount(places[labels[:, 0] == label][:, 1:].ravel(), minlength=60)[images.labels == label]
        assert counts.min() > 0.4 * counts.mean()
    assert torch.equal(batch.images, data.batch(0, 600).images)
    assert not torch.equal(batch.images, data.batch(600, 600).images)


def test_classes_of_fewer_than_three_images_teach_nothing() -> None:
    images = bars(20, (0, 1))
    few = images.take(np.array([0, 1, 2, 3, 4, 6]))  # four of the first, two of the second
    assert set(teaching(few).require_labels()) == {0} and teaching(images) is images
    with pytest.raises(InputError, match="no class of 'bars' has 3 images"):
        learn_variations(few.take(np.array([0, 1, 2, 3])), budget=32)


def test_no_variations_and_no_images_are_refused(learned: Variator) -> None:
    images = bars(20, (0, 1))
    for vary in (lambda: learned.vary(images, 0), lambda: learned.vary(images.take(range(0)), 5)):
        with pytest.raises(InputError, match="at least one of one"):
            vary()
    with pytest.raises(InputError, match="no images to vary"):
        learned.each_of(images.take(range(0)))


def test_images_of_another_form_are_not_varied(learned: Variator) -> None:
    with pytest.raises(InputError, match=r"variations are of images \(10, 10, 1\), these are \(8, 8, 1\)"):
        learned.vary(small_image_set(6), 10)


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (13, 1)])
def test_a_training_takes_images_of_any_form(size: int, channels: int) -> None:
    images = small_image_set(30, size=size, channels=channels)
    made = learn_variations(images, budget=64, base=4, batch=16, device="cpu").vary(images, 9)
    assert made.images.shape == (9, size, size, channels)
