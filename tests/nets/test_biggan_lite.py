import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from elmyr.nets import PAIRS, Shape
from elmyr.nets.pairs.biggan_lite import DiscriminatorBlock, GeneratorBlock, SteeredNorm


def test_every_matrix_of_both_networks_has_spectral_norm_1() -> None:
    torch.manual_seed(0)
    pair = PAIRS["biggan-lite"].networks(Shape(1, 8, 8), 3, {"base": 4, "latent": 6, "embedding": 3})
    for net in pair:
        with torch.no_grad():
            for name, weight in net.named_parameters():
                if name.endswith("original"):
                    weight.add_(0.3 * torch.randn_like(weight))
        latents, labels = torch.randn(6, 6), torch.arange(6) % 3
        for _ in range(60):
            net(latents if net is pair[0] else torch.randn(6, 1, 8, 8), labels)
        layers = {name: m for name, m in net.named_modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.Embedding)}
        bare = {name for name, layer in layers.items() if not is_parametrized(layer)}
        assert bare == ({"input.embedding"} if net is pair[0] else set())  # BigGAN leaves the shared embedding free
        for name in layers.keys() - bare:
            weight = layers[name].weight
            assert isinstance(weight, torch.Tensor)
            assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3), name


def test_the_norm_is_steered_image_by_image() -> None:
    torch.manual_seed(0)
    norm = SteeredNorm(3, 5)
    x, conditions = 4 + 3 * torch.randn(6, 3, 4, 4), torch.randn(6, 5)
    standardized = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), correction=0, keepdim=True)
    gains, shifts = norm.gain(conditions), norm.shift(conditions)
    expected = standardized * (1 + gains)[:, :, None, None] + shifts[:, :, None, None]
    assert torch.allclose(norm(x, conditions), expected, atol=1e-5)


@pytest.mark.parametrize("doubles", [False, True])
def test_a_generator_block_keeps_or_doubles_the_size(doubles: bool) -> None:
    block = GeneratorBlock(4, 6, 5, doubles=doubles)
    assert block(torch.randn(2, 4, 3, 5), torch.randn(2, 5)).shape == ((2, 6, 6, 10) if doubles else (2, 6, 3, 5))


@pytest.mark.parametrize("halves", [False, True])
def test_a_discriminator_block_keeps_or_halves_the_size(halves: bool) -> None:
    block = DiscriminatorBlock(4, 6, halves=halves)
    assert block(torch.randn(2, 4, 6, 8)).shape == ((2, 6, 3, 4) if halves else (2, 6, 6, 8))


def test_the_block_that_sees_the_image_does_not_lose_its_dark_half() -> None:
    torch.manual_seed(0)
    dark = -torch.rand(2, 1, 4, 4)
    first, later = (DiscriminatorBlock(1, 4, halves=False, sees_image=sees).eval() for sees in (True, False))
    assert (first(dark) - first.shortcut(dark)).std(0).max() > 1e-3  # the two dark images differ beside the shortcut
    assert (later(dark) - later.shortcut(dark)).std(0).max() < 1e-6


def test_more_blocks_are_more_layers_of_the_same_sizes() -> None:
    one, three = (
        PAIRS["biggan-lite"].networks(Shape(3, 16, 16), 0, {"base": 4, "blocks": blocks, "latent": 6, "embedding": 3})
        for blocks in (1, 3)
    )
    for few, many in zip(one, three, strict=True):
        assert len(list(many.parameters())) > 1.5 * len(list(few.parameters()))
    images = three[0](torch.randn(2, 6), None)
    assert images.shape == (2, 3, 16, 16)
    assert three[1](images, None).shape == (2,)
