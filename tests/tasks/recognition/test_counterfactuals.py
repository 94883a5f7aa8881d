"""Counterfactuals: read as what was asked for, nearer than other images of it, and refused where none can be."""

from pathlib import Path

import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.core.notes import Note
from elmyr.images import load_images
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.counterfactuals import find_counterfactuals, judged, save_counterfactuals

STORED = Path(__file__).parents[2] / "stored" / "gan" / "finished"


@pytest.fixture(scope="module")
def gan() -> GAN:
    return open_gan(STORED, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    digits = load_images("digits")
    return Recognizer(updates=60, base=8, dimension=16).fit(digits.images[:600], digits.require_labels()[:600])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.tasks.gan.editing.search.BANK", 300)


def test_each_is_read_as_what_was_asked_for(recognizer: Recognizer, gan: GAN) -> None:
    images = gan.sample(6, label=0, seed=4).images
    read = recognizer.predict(images).astype(str)
    target = np.where(read == "1", "2", "1")
    found = find_counterfactuals(recognizer, gan, images, target=target)
    assert np.array_equal(np.array(found.names)[found.targets], target)
    assert np.array_equal(recognizer.predict(found.found).astype(str) == target, found.flipped)
    before = recognizer.predict_proba(images)[np.arange(6), found.targets]
    assert (found.probabilities > before).all()  # a GAN of 640 images makes hardly any that are read so
    apart = np.sqrt(np.square((found.found.astype(float) - images) / 255).sum((1, 2, 3)))
    assert np.allclose(apart, found.distances)
    probabilities = recognizer.predict_proba(found.found)[np.arange(6), found.targets]
    assert np.allclose(probabilities, found.probabilities)


def test_what_is_read_as_the_target_already_stays_as_it_is(recognizer: Recognizer, gan: GAN) -> None:
    images = load_images("digits").images[:20]
    read = recognizer.predict(images).astype(str)
    first, other = images[:1], images[read != read[0]][:1]
    with pytest.warns(Note, match="1 of 2 images are read as what is asked for already"):
        found = find_counterfactuals(recognizer, gan, np.concatenate([first, other]), target=read[0])
    assert np.array_equal(found.found[0], first[0]) and found.distances[0] == 0 and found.flipped[0]
    assert found.distances[1] > 0


def test_without_a_target_the_nearest_of_the_likely_ones_is_taken(recognizer: Recognizer, gan: GAN) -> None:
    images = gan.sample(4, balanced=True, seed=5).images
    found = find_counterfactuals(recognizer, gan, images)
    assert (found.targets != found.read).all()
    likely = np.argsort(-recognizer.predict_proba(images), axis=1)[:, :4]
    assert all(target in row for target, row in zip(found.targets, likely, strict=True))
    again = find_counterfactuals(recognizer, gan, images)
    assert np.array_equal(again.found, found.found)
    agreed = judged(found, recognizer)
    assert agreed.judged is not None and np.array_equal(agreed.judged, np.array(found.names)[found.becomes])
    assert "another recognizer agrees for" in list(agreed.lines())[1]
    picture, legend = agreed.picture([f"{place}.png" for place in range(4)])
    assert picture.shape[2] == 3 and not legend
    assert [entry["image"] for entry in agreed.as_json(["a", "b", "c", "d"])] == ["a", "b", "c", "d"]


def test_what_is_found_is_written_as_images_too(recognizer: Recognizer, gan: GAN, tmp_path: Path) -> None:
    found = find_counterfactuals(recognizer, gan, gan.sample(3, seed=5).images)
    assert save_counterfactuals(found, [], tmp_path / "found.npz") == []
    written = load_images(tmp_path / "found.npz")
    assert np.array_equal(written.images, found.found) and written.classes == found.names
    assert np.array_equal(written.require_labels(), found.targets)


def test_what_cannot_be_found_is_refused(recognizer: Recognizer, gan: GAN) -> None:
    images = gan.sample(2, seed=6).images
    read = str(recognizer.predict(images)[0])
    with pytest.raises(InputError, match=f"all images are read as {read} already: ask for another class"):
        find_counterfactuals(recognizer, gan, images[:1], target=read)
    with pytest.raises(InputError, match="no class 'eleven'"):
        find_counterfactuals(recognizer, gan, images, target="eleven")
    with pytest.raises(InputError, match="the images are 9x8"):
        find_counterfactuals(recognizer, gan, np.zeros((1, 9, 8, 1), np.uint8), target=read)
    wide = Recognizer(updates=1, base=8, dimension=16).fit(np.zeros((4, 8, 9, 1), np.uint8), ["0", "0", "1", "1"])
    with pytest.raises(InputError, match="take a GAN of the recognizer's images"):
        find_counterfactuals(wide, gan, images)
    strange = Recognizer(updates=1, base=8, dimension=16).fit(np.zeros((4, 8, 8, 1), np.uint8), ["a", "a", "b", "b"])
    with pytest.raises(InputError, match="the GAN does not know the class 'a'"):
        find_counterfactuals(strange, gan, images)
