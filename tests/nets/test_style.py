import pytest
import torch
from torch.nn import functional as F

from elmyr.nets import PAIRS, Shape
from elmyr.nets.layers.equalized import EqualizedConvolution, EqualizedLinear, activated
from elmyr.nets.pairs.style import GroupDeviation, HalvingBlock
from elmyr.nets.pairs.style_generator import Mapping, ModulatedConvolution, StyledLayer, doubled


@pytest.mark.parametrize("demodulates", [False, True])
def test_scaling_activations_is_the_same_as_a_weight_for_each_image(demodulates: bool) -> None:
    torch.manual_seed(0)
    convolution = ModulatedConvolution(4, 5, 3, 6, demodulates=demodulates).double()
    x, styles = torch.randn(3, 4, 7, 6, dtype=torch.float64), torch.randn(3, 6, dtype=torch.float64)
    scales = convolution.style(styles)
    for n in range(3):
        weight = convolution.weight * scales[n][None, :, None, None] / (4 * 9) ** 0.5
        if demodulates:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = F.conv2d(x[n : n + 1], weight, padding=1)
        assert torch.allclose(convolution(x, styles)[n : n + 1], expected, atol=1e-12)


def test_the_style_does_not_change_the_strength_of_the_maps() -> None:
    torch.manual_seed(0)
    convolution = ModulatedConvolution(32, 32, 3, 6)
    x, styles = torch.randn(4, 32, 16, 16), torch.randn(4, 6)
    assert torch.allclose(convolution(x, 100 * styles).std((1, 2, 3)), torch.ones(4), atol=0.25)


def test_doubling_is_the_papers_filter_inside_the_border() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 1, 6, 6)
    spaced = torch.zeros(1, 1, 12, 12)
    spaced[:, :, ::2, ::2] = x
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    filtered = F.conv2d(F.pad(spaced, (2, 1, 2, 1)), torch.outer(taps, taps)[None, None])
    assert torch.allclose(doubled(x)[:, :, 2:-2, 2:-2], filtered[:, :, 2:-2, 2:-2], atol=1e-6)


def test_equalized_layers_keep_a_variance_of_one() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 100)
    for layer in (EqualizedLinear(100, 200), EqualizedLinear(100, 200, speed=0.01)):
        assert layer(x).std().item() == pytest.approx(1, abs=0.05)
    assert activated(torch.randn(100_000)).square().mean().item() == pytest.approx(1.04, abs=0.02)
    maps = EqualizedConvolution(16, 64, 3)(torch.randn(4, 16, 12, 12))
    assert maps[:, :, 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.06)


def test_a_slow_layer_moves_as_much_slower_as_it_says() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 5)
    moved = []
    for speed in (1.0, 0.01):
        layer = EqualizedLinear(5, 3, speed=speed)
        before = layer(x)
        with torch.no_grad():
            for weight in layer.parameters():
                weight.add_(0.1)  # what a step of Adam does to each
        moved.append((layer(x) - before).abs().max().item())
    assert moved[1] == pytest.approx(0.01 * moved[0], rel=1e-3)


def test_the_length_of_a_latent_does_not_matter_to_its_style() -> None:
    torch.manual_seed(0)
    mapping = Mapping(6, 3, 4)
    latents, labels = torch.randn(5, 6), torch.arange(5) % 3
    assert torch.allclose(mapping(latents, labels), mapping(7 * latents, labels), atol=1e-5)
    assert not torch.allclose(mapping(latents, labels), mapping(latents, (labels + 1) % 3), atol=1e-2)


def test_noise_is_the_latents_own_differs_between_images_and_has_variance_one() -> None:
    torch.manual_seed(0)
    layer = StyledLayer(4, 4, 20, (8, 8), 20)
    latents, styles, x = torch.randn(2000, 20), torch.zeros(2000, 20), torch.zeros(2000, 4, 8, 8)
    assert not layer(x, styles, latents).any()  # its strength is 0 at the start
    with torch.no_grad():
        layer.strength.fill_(1.0)
    noise = layer(x, styles, latents)
    assert torch.allclose(noise, layer(x, styles, latents))
    assert torch.allclose(noise[5:6], layer(x[:1], styles[:1], latents[5:6]), atol=1e-5)
    assert (noise[0] - noise[1]).abs().max() > 0.5
    # LeakyReLU keeps the order, so its inverse gives the noise back.
    noise = torch.where(noise > 0, noise, noise / 0.2) / 2**0.5
    assert noise.var(0).mean().item() == pytest.approx(1, abs=0.15)


def test_the_deviation_is_that_of_groups_of_four() -> None:
    deviation = GroupDeviation()
    x = torch.zeros(8, 1, 2, 2)
    x[:4] = torch.tensor([1.0, 1.0, 3.0, 3.0])[:, None, None, None]  # standard deviation 1
    x[4:, :, 0] = torch.tensor([0.0, 4.0, 0.0, 4.0])[:, None, None]  # standard deviation 2 at half the places
    added = deviation(x)[:, 1]
    assert torch.allclose(added[:4], torch.ones(4, 2, 2))
    assert torch.allclose(added[4:], torch.ones(4, 2, 2), atol=1e-3)
    x[4:] *= 3
    assert torch.allclose(deviation(x)[4:, 1], torch.full((4, 2, 2), 3.0), atol=1e-3)


@pytest.mark.parametrize("half", [4, 8, 12, 20, 100])
def test_no_group_holds_real_images_and_generated_ones(half: int) -> None:
    real, fake = torch.zeros(half, 2, 3, 3), 100 * torch.ones(half, 2, 3, 3)
    added = GroupDeviation()(torch.cat([real, fake]))[:, 2]
    assert added.max() < 1e-3
    noise = torch.randn(half, 2, 3, 3)
    alone, beside = GroupDeviation()(noise), GroupDeviation()(torch.cat([real, noise]))[half:]
    assert torch.equal(alone, beside)  # the generator's step shows what the discriminator's learned from


def test_in_eval_mode_the_deviation_is_the_one_usual_in_training() -> None:
    torch.manual_seed(0)
    deviation = GroupDeviation()
    x = 5 * torch.randn(16, 3, 4, 4)
    for _ in range(1000):
        seen = deviation(x)[:, 3].mean()
    deviation.eval()
    assert torch.allclose(deviation(x[:1])[:, 3], seen.expand(1, 4, 4), rtol=1e-3)
    assert torch.equal(deviation(x)[:1], deviation(x[:1]))


def test_a_halving_block_is_the_mean_of_its_two_ways_by_variance() -> None:
    torch.manual_seed(0)
    block = HalvingBlock(3, 5, 1)
    x = torch.randn(2, 3, 6, 4)
    (before,) = block.before
    h = 2**0.5 * F.leaky_relu(F.conv2d(x, before.weight / 27**0.5, padding=1), 0.2)
    h = 2**0.5 * F.leaky_relu(F.conv2d(F.avg_pool2d(h, 2), block.after.weight / 27**0.5, padding=1), 0.2)
    shortcut = F.conv2d(F.avg_pool2d(x, 2), block.shortcut.weight / 3**0.5)
    assert torch.allclose(block(x), (shortcut + h) / 2**0.5, atol=1e-5)


def test_a_collapsed_batch_looks_different_to_the_discriminator() -> None:
    torch.manual_seed(0)
    _, discriminator = PAIRS["style"].networks(Shape(1, 8, 8), 0, {"base": 4, "latent": 6, "embedding": 3})
    images = torch.randn(8, 1, 8, 8)
    varied = discriminator(images, None)[0]
    alike = discriminator(images[:1].expand(8, -1, -1, -1), None)[0]
    assert (varied - alike).abs() > 1e-4


def test_more_blocks_are_more_convolutions_at_each_size() -> None:
    for blocks in (1, 2):
        generator, discriminator = PAIRS["style"].networks(
            Shape(3, 16, 16), 0, {"base": 4, "blocks": blocks, "latent": 6}
        )
        assert [len(level) for level in generator.levels] == [blocks, 1 + blocks, 1 + blocks]  # type: ignore[arg-type]
        images = generator(torch.randn(2, 6), None)
        assert images.shape == (2, 3, 16, 16)
        assert discriminator(images, None).shape == (2,)
