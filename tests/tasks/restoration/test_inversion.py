"""Inversion: of a GAN's own image it finds what is hidden, whatever the class, and leaves the rest alone."""

import numpy as np
import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.nets import NetworkConfig
from elmyr.tasks.gan.model import GAN, GANConfig
from elmyr.tasks.restoration import invert


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elmyr.tasks.gan.editing.search.BANK", 300)


@pytest.fixture(scope="module", params=[("a", "b", "c"), ()], ids=["classes", "no classes"])
def gan(request: pytest.FixtureRequest) -> GAN:
    """A GAN of random weights: its images are smooth functions of few latents."""
    torch.manual_seed(0)
    network = NetworkConfig(base=8, latent=4, embedding=4)
    config = GANConfig(height=8, width=8, channels=1, classes=request.param, network=network)
    generator, discriminator = config.build()
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return GAN(config, generator, discriminator, device="cpu", precision="fp32")


def test_what_a_gan_made_is_found_again(gan: GAN) -> None:
    images = gan.sample(3, seed=3).images
    masks = np.zeros((3, 8, 8), bool)
    masks[:, 2:6, 2:6] = True
    damaged = np.where(masks[..., None], 0, images)
    repair = invert(gan, damaged, masks, answers=2)
    assert np.array_equal(repair.images[~masks], images[~masks])
    assert np.array_equal(repair.answers[:, ~masks], np.stack([images[~masks]] * 2))
    apart = np.abs(repair.images[masks].astype(float) - images[masks]).mean()
    assert apart < 0.2 * np.abs(images[masks].astype(float) - images[masks].mean()).mean()


def test_without_masks_the_nearest_image_takes_the_place_of_the_whole(gan: GAN) -> None:
    images = gan.sample(2, seed=3).images
    repair, again = (invert(gan, images, effort=0.3) for _ in range(2))
    assert np.array_equal(repair.images, again.images)
    assert np.abs(repair.images.astype(float) - images).mean() < 0.3 * images.astype(float).std()
    assert not len(repair.answers)


def test_images_of_another_size_are_refused(gan: GAN) -> None:
    with pytest.raises(InputError, match="9x8, the GAN makes 8x8"):
        invert(gan, np.zeros((1, 9, 8, 1), np.uint8))
    with pytest.raises(InputError, match="for gray images"):
        invert(gan, np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="24 at most"):
        invert(gan, np.zeros((1, 8, 8, 1), np.uint8), answers=25)
    with pytest.raises(InputError, match="effort is 0"):
        invert(gan, np.zeros((1, 8, 8, 1), np.uint8), effort=0)
