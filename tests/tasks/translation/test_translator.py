"""The translator: what it turns is turned, there and back, the label stays, and pairs are learned from as pairs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elmyr
from elmyr import Recognizer, Translator
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.metrics import psnr, squared_error
from tests.conftest import small_image_set

TINY: dict[str, Any] = {"widths": (8, 12), "bottom": 1, "discriminator_base": 8, "batch": 16}


def negatives(images: ImageSet) -> ImageSet:
    return ImageSet(255 - images.images[:], images.labels, images.classes, "negatives")


def translator_of(images: int = 96, method: str = "cycle", **settings: object) -> Translator:
    return Translator(method=method, images=images, settings=TINY | settings, device="cpu")


@pytest.fixture(scope="module")
def both_ways() -> Translator:
    return translator_of(32).fit(small_image_set(240), negatives(small_image_set(240, seed=1)))


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    images = small_image_set(240)
    return Recognizer(updates=80, base=8, dimension=16, device="cpu").fit(images.images, images.labels)


@pytest.mark.slow
def test_without_pairs_it_learns_the_other_kind_and_the_way_back_undoes_it() -> None:
    bright = small_image_set(240, seed=1).in_memory() // 2 + 110
    choices = {"batch": 48, "identity": 0.0, "learning_rate": 3e-3, "discriminator_learning_rate": 2e-3}
    translator = translator_of(12_000, **choices).fit(small_image_set(240), ImageSet(bright, None))
    images = small_image_set(60, seed=2).in_memory()
    made = translator.translate(images)
    assert np.abs((images // 2 + 110).astype(float) - made).mean() < 15  # the images themselves are 80 off
    assert psnr(squared_error(translator.translate(made, "b-to-a"), images)) > 22
    assert np.abs(images - translator.translate((images // 2 + 110), "b-to-a").astype(float)).mean() < 25


def test_a_label_is_kept_where_the_game_alone_would_lose_it(reader: Recognizer) -> None:
    images, fresh = small_image_set(240), small_image_set(90, seed=2)
    only = small_image_set(240, seed=1)
    only = only.take(np.flatnonzero(only.require_labels() == 0))  # what is wanted shows one class alone
    kept = {}
    for weight in (0.0, 20.0):
        choices = {"label": weight, "contrast": 0.0, "identity": 0.0, "back": False, "batch": 48}
        translator = translator_of(2_400, "contrastive", **choices).fit(images, only, recognizer=reader)
        kept[weight] = reader.score(translator.translate(fresh.in_memory()), fresh.require_labels())
    assert kept[20.0] > 0.9 > 0.7 > kept[0.0]


def test_a_reader_that_learns_along_keeps_labels_too() -> None:
    labeled = small_image_set(240)
    task = translator_of(method="contrastive").task(labeled, negatives(labeled))
    assert "recognizer" in task.modules
    assert "recognizer" not in translator_of(method="paired").task(labeled, negatives(labeled)).modules
    assert "recognizer" not in translator_of(label=0).task(labeled, negatives(labeled)).modules
    bare = ImageSet(labeled.images, None)
    assert "recognizer" not in translator_of().task(bare, negatives(labeled)).modules


def test_pairs_are_nearer_than_the_mean_of_what_is_wanted() -> None:
    images = small_image_set(240, channels=3)
    colored = images.in_memory().copy()
    colored[..., 1] = 255 - colored[..., 1]
    colored[..., 2] //= 2
    gray = images.in_memory().mean(3, keepdims=True).astype(np.uint8).repeat(3, 3)
    translator = translator_of(2_400, "paired", back=False, batch=48, learning_rate=3e-3).fit(gray[:180], colored[:180])
    assert translator.directions_ == ("a-to-b",)
    made = psnr(squared_error(translator.translate(gray[180:]), colored[180:]))
    rivals = (np.broadcast_to(colored[:180].mean((0, 1, 2)), colored[180:].shape), colored[:180].mean(0, keepdims=True))
    for rival in rivals:
        assert made > 3 + psnr(
            squared_error(np.broadcast_to(rival, colored[180:].shape).astype(np.uint8), colored[180:])
        )


def test_pairs_shuffled_teach_less() -> None:
    images = small_image_set(120)
    right, wrong = (
        translator_of(1_200, "paired", back=False, adversarial=0, batch=48, learning_rate=3e-3).fit(
            images, negatives(images).take(order)
        )
        for order in (np.arange(120), np.random.default_rng(0).permutation(120))
    )
    fresh = small_image_set(30, seed=1).in_memory()
    one, other = (psnr(squared_error(each.translate(fresh), 255 - fresh)) for each in (right, wrong))
    assert one > other + 3


def test_contrast_learns_one_way_and_says_so() -> None:
    translator = translator_of(method="contrastive", back=False).fit(small_image_set(), negatives(small_image_set()))
    assert translator.directions_ == ("a-to-b",)
    with pytest.raises(InputError, match="one way alone"):
        translator.translate(np.zeros((1, 8, 8, 1), np.uint8), "b-to-a")


def test_a_style_is_that_of_the_example_of_a_number_and_a_seed(tmp_path: Path) -> None:
    translator = translator_of(32, "contrastive", back=False, styled=True)
    translator.fit(small_image_set(), negatives(small_image_set()))
    images = small_image_set(6).in_memory()
    whole, part = translator.translate(images, seed=3), translator.translate(images[2:4], seed=3, first=2)
    assert np.abs(whole[2:4].astype(int) - part).max() <= 1
    assert not np.array_equal(whole, translator.translate(images, seed=4))
    dark, light = (np.full((1, 8, 8, 1), level, np.uint8) for level in (0, 255))
    assert translator.translate(images, examples=light).mean() > 60 + translator.translate(images, examples=dark).mean()
    translator.save(tmp_path)
    assert np.array_equal(Translator.load(tmp_path, device="cpu").translate(images, seed=3), whole)
    assert translator.translate(np.zeros((1, 20, 11, 1), np.uint8)).shape == (1, 20, 11, 1)


@pytest.mark.parametrize("method", ["cycle", "paired"])
def test_a_texture_is_not_brought_back(method: str) -> None:
    with pytest.raises(InputError, match="styled goes with contrastive"):
        Translator(method=method, settings={"styled": True})


def test_examples_are_for_styled_translators(both_ways: Translator) -> None:
    with pytest.raises(InputError, match="styled=true"):
        both_ways.translate(np.zeros((1, 8, 8, 1), np.uint8), examples=np.zeros((1, 8, 8, 1), np.uint8))


def test_what_is_saved_is_what_is_opened(both_ways: Translator, tmp_path: Path) -> None:
    both_ways.save(tmp_path / "model")
    opened = Translator.load(tmp_path / "model", device="cpu")
    images = small_image_set(5).in_memory()
    for way in ("a-to-b", "b-to-a"):
        assert np.array_equal(opened.translate(images, way), both_ways.translate(images, way))
    weights = (tmp_path / "model" / "translator.safetensors").read_bytes()
    (tmp_path / "model" / "translator.safetensors").write_bytes(weights[:-4] + b"\0\0\0\1")
    with pytest.raises(InputError, match="no whole translator"):
        Translator.load(tmp_path / "model")


def test_images_of_any_size_are_translated_and_gray_ones_need_no_channel(both_ways: Translator) -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 37, 50), dtype=np.uint8)
    assert both_ways.translate(image).shape == (1, 37, 50, 1)
    with pytest.raises(InputError, match="the model is for gray images"):
        both_ways.translate(np.zeros((1, 8, 8, 3), np.uint8))


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (np.zeros((4, 8, 8, 1), np.uint8), np.zeros((4, 9, 8, 1), np.uint8), "pass --size 8x8"),
        (np.zeros((4, 8, 8, 1), np.uint8), np.zeros((4, 8, 8, 3), np.uint8), "pass --channels 3"),
        (np.zeros((4, 8, 8, 1), np.uint8), np.zeros((0, 8, 8, 1), np.uint8), "there are no images"),
        (np.zeros((0, 8, 8, 1), np.uint8), np.zeros((4, 8, 8, 1), np.uint8), "there are no images"),
        (np.zeros((4, 6, 6, 1), np.uint8), np.zeros((4, 6, 6, 1), np.uint8), "needs 8 pixels a side"),
    ],
)
def test_kinds_that_do_not_fit_are_told(a: np.ndarray, b: np.ndarray, told: str) -> None:
    with pytest.raises(InputError, match=told):
        translator_of().fit(a, b)


def test_other_mistakes_are_told(reader: Recognizer) -> None:
    images = small_image_set()
    with pytest.raises(InputError, match="did you mean 'cycle'"):
        Translator(method="cycel")
    with pytest.raises(InputError, match="did you mean 'bottom'"):
        Translator(settings={"botom": 3})
    with pytest.raises(InputError, match="a whole number of at least 1"):
        Translator(images=0)
    with pytest.raises(InputError, match="learned nothing yet"):
        Translator().translate(images.images)
    with pytest.raises(InputError, match="pairs are as many"):
        translator_of(method="paired").fit(images, images.take(range(7)))
    with pytest.raises(InputError, match="no objective"):
        translator_of(objective="hings").fit(images, images)
    larger = small_image_set(size=12)
    with pytest.raises(InputError, match="the recognizer takes images"):
        translator_of().fit(larger, larger, recognizer=reader)


def test_it_is_a_public_name() -> None:
    assert elmyr.Translator is Translator and "Translator" in dir(elmyr)
