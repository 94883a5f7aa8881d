"""256 pixels a side: the preset for them is built, learns for a moment, and its rules follow the side."""

import numpy as np
import pytest
import torch

from elmyr import GAN, Shaping, train
from elmyr.core.errors import InputError
from elmyr.core.files import read_lines
from elmyr.images import ImageSet, save_npz
from elmyr.tasks.gan.config import gan_config, settled_choices

SIDE = 256
TINY = {
    "network.base": 2,
    "network.latent": 8,
    "network.embedding": 4,
    "batch": 4,
    "loop.watch_every": 0,
    "loop.preview_every": 99,
}


def photos(count: int, side: int = SIDE) -> ImageSet:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, side // 32, side // 32, 3), dtype=np.uint8)
    return ImageSet(coarse.repeat(32, 1).repeat(32, 2), np.arange(count) % 2, name="photos")


def test_its_channels_double_down_to_512_and_both_networks_learn_from_one_pass() -> None:
    config = gan_config(settled_choices("residual-256", {}, photos(2)), photos(2))
    generator, discriminator = config.build()
    assert [level[0].first.out_channels for level in discriminator.levels] == [32, 64, 128, 256, 512, 512]  # type: ignore[union-attr, index]  # modules, to mypy
    labels = torch.tensor([0, 1])
    images = generator(torch.randn(2, 64), labels)
    assert images.shape == (2, 3, SIDE, SIDE)
    discriminator(images, labels).sum().backward()
    for net in (generator, discriminator):
        gradients = [each.grad for each in net.parameters() if each.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients)
        assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0


@pytest.mark.parametrize(("side", "strength"), [(32, 3.0), (64, 12.0), (256, 192.0)])
def test_its_penalties_follow_the_square_of_the_side(side: int, strength: float) -> None:
    penalties = settled_choices("residual-256", {}, photos(2, side))["penalties"]
    assert (penalties["r1"], penalties["r2"]) == (strength, strength)
    asked = settled_choices("residual-256", {"penalties.r1": 5.0}, photos(2, side))["penalties"]
    assert (asked["r1"], asked["r2"]) == (5.0, 5.0)  # the second as the first


@pytest.mark.filterwarnings("ignore::elmyr.core.notes.Note")
def test_it_trains_for_a_moment_at_256_pixels_where_they_are_asked_for(tmp_path) -> None:  # type: ignore[no-untyped-def]
    save_npz(photos(24), tmp_path / "photos.npz")
    shaping = Shaping(size=(SIDE, SIDE))
    run = train(
        tmp_path / "photos.npz", out=tmp_path / "run", preset="residual-256", images=8, settings=TINY, shaping=shaping
    )
    assert all(np.isfinite(value).all() for line in read_lines(run.metrics) for value in line.values())
    samples = GAN.load(run.path).sample(2)
    assert samples.images.shape == (2, SIDE, SIDE, 3) and samples.images.std() > 0


def test_other_networks_are_told_that_they_have_no_doublings() -> None:
    with pytest.raises(InputError, match="network 'style' has no doublings"):
        settled_choices("residual-256", {"network.name": "style"}, photos(2, 32))
