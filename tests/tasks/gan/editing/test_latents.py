"""Latents of given images: that samples are found again, and what becomes of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, open_source
from elmyr.nets import PAIRS, NetworkConfig
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.editing import Edits, classes_shown, edits_of, find_latents, save_edits
from elmyr.tasks.gan.model import GAN, GANConfig

STORED = Path(__file__).parents[3] / "stored" / "gan" / "finished"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.tasks.gan.editing.search.BANK", 300)


@pytest.fixture(scope="module")
def gan() -> GAN:
    return open_gan(STORED, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def samples(gan: GAN) -> ImageSet:
    return gan.sample(12, balanced=True, seed=9)


def test_samples_are_found_again_with_their_classes(gan: GAN, samples: ImageSet) -> None:
    found = find_latents(gan, samples.images, samples.require_labels())
    assert np.array_equal(found.labels, samples.labels) and found.latents.shape == (12, gan.config.network.latent)
    apart = np.square((found.images.astype(float) - samples.images) / 255).mean((1, 2, 3))
    assert np.allclose(found.errors, apart, rtol=1e-9)
    others = np.square((np.roll(samples.images, 1, 0).astype(float) - samples.images) / 255).mean((1, 2, 3))
    assert found.errors.mean() < 0.2 * others.mean()  # far nearer than another sample
    again = find_latents(gan, samples.images, samples.require_labels())
    assert torch.equal(again.latents, found.latents)


def test_names_numbers_and_one_for_all_are_the_same_labels(gan: GAN, samples: ImageSet) -> None:
    threes = samples.images[3:4]
    by_name, by_number = (find_latents(gan, threes, label) for label in ("3", 3))
    assert torch.equal(by_name.latents, by_number.latents)
    assert torch.equal(find_latents(gan, threes[..., 0], ["3"]).latents, by_name.latents)  # gray, without an axis


def test_without_labels_every_class_is_tried(gan: GAN, samples: ImageSet) -> None:
    found = find_latents(gan, samples.images)
    given = find_latents(gan, samples.images, samples.require_labels())
    assert found.labels is not None and found.errors.mean() < 1.3 * given.errors.mean()


def test_edits_change_what_they_say_and_nothing_is_an_edit_of_nothing(gan: GAN, samples: ImageSet) -> None:
    found = find_latents(gan, samples.images, samples.require_labels())
    assert np.array_equal(found.edited(), found.images)
    sevens = found.edited(label="7")
    every = found.every_class()
    assert every.shape == (12, 10, 8, 8, 1) and np.array_equal(every[:, 7], sevens)
    doubled = found.edited(move=lambda latents, labels: 2 * latents)
    assert np.array_equal(doubled, gan.make(2 * found.latents, found.labels))


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_every_pair_of_networks_finds_latents(name: str) -> None:
    side = {"dcgan64": 64}.get(name, 8)
    network = NetworkConfig(name=name, base=8, latent=32, embedding=8)
    for classes in ((), ("a", "b")):
        config = GANConfig(height=side, width=side, channels=3, classes=classes, network=network)
        torch.manual_seed(0)
        gan = GAN(config, *config.build(), device="cpu", precision="fp32")
        images = gan.sample(2).images
        found = find_latents(gan, images)
        assert found.images.shape == images.shape and (found.labels is None) == (not classes)
        assert np.isfinite(found.errors).all() and found.latents.isfinite().all()


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((2, 9, 8, 1), np.uint8), None, "the images are 9x8 with 1 channels, the GAN makes 8x8 with 1"),
        (np.zeros((2, 8, 8, 3), np.uint8), None, "the images are 8x8 with 3 channels"),
        (np.zeros((2, 8, 8, 1)), None, "the images are float64 of the shape"),
        (np.zeros((0, 8, 8, 1), np.uint8), None, "give uint8"),
        (np.zeros((2, 8, 8, 1), np.uint8), "eleven", "no class 'eleven'"),
        (np.zeros((2, 8, 8, 1), np.uint8), ["1", "2", "3"], "2 images take one label, or one for each"),
    ],
)
def test_what_has_no_latents_is_refused(gan: GAN, images: np.ndarray, labels: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_latents(gan, images, labels)


class ByBrightness:
    """A recognizer that knows two digits."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(X).mean((1, 2, 3)) > 60, "1", "0")


def test_a_recognizer_counts_what_is_read_as_it_was_meant(gan: GAN, samples: ImageSet) -> None:
    found = find_latents(gan, samples.images, samples.require_labels())
    edits = edits_of(samples.images, found, label="all", recognizer=ByBrightness())
    near, edited = (ByBrightness().predict(each) for each in (found.images, found.every_class().reshape(-1, 8, 8, 1)))
    assert edits.kept is not None
    assert edits.kept[0] == np.mean(near == samples.require_labels().astype(str))
    assert edits.kept[1] == np.mean(edited == np.tile(np.arange(10).astype(str), 12))
    assert "of the nearest" in list(edits.lines())[1]
    told = edits.as_json([str(number) for number in range(12)])
    assert told[3]["class"] == "3" and told[3]["edited_read_as"].keys() == {f"as {digit}" for digit in range(10)}


def test_edits_are_written_as_a_picture_or_as_images(gan: GAN, samples: ImageSet, tmp_path: Path) -> None:
    edits = edits_of(samples.images, find_latents(gan, samples.images, samples.require_labels()), label="all")
    assert isinstance(edits, Edits)
    save_edits(edits, [f"{number}.png" for number in range(12)], tmp_path / "edits.png")
    assert (tmp_path / "edits.png").stat().st_size > 1_000
    save_edits(edits, [], tmp_path / "edits.npz")
    written = open_source(tmp_path / "edits.npz").train
    assert np.array_equal(written.images[:], edits.edited.reshape(-1, 8, 8, 1))
    assert np.array_equal(written.require_labels(), np.tile(np.arange(10), 12))


def test_the_class_is_as_labeled_else_as_read_else_tried(gan: GAN, samples: ImageSet) -> None:
    images, read = samples.images, ByBrightness()
    assert classes_shown(gan, images, ["3"] * 12, read) == ["3"] * 12
    assert classes_shown(gan, images, ["cat"] * 12, None) is None
    assert classes_shown(gan, images, None, read) == read.predict(images).tolist()
