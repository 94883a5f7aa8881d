"""The articles' nets are the articles': weights counted by hand, and what was wrong put right."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from elmyr.images import ImageSet
from elmyr.nets import PAIRS, Shape
from elmyr.nets.pairs import classic, dcgan, dcgan64, joined, mlp, mlp_cnn
from elmyr.nets.pairs.dcgan import DCGANGenerator
from elmyr.nets.pairs.dcgan64 import DCGAN64Generator
from elmyr.nets.pairs.dense import DenseGenerator
from elmyr.tasks.gan.config import gan_config, settled_choices


def counts(name: str, shape: Shape, base: int) -> list[int]:
    """Trained weights of the unconditional pair (what Keras calls trainable: running statistics are not)."""
    pair = PAIRS[name].networks(shape, 0, {"base": base, "latent": 100})
    return [sum(p.numel() for p in net.parameters()) for net in pair]


def test_article_0_has_the_weights_of_its_layers() -> None:
    generator = [
        100 * 128 + 128,
        128 * 256 + 256,
        256 * 512 + 512,
        512 * 1024 + 1024,
        1024 * 784 + 784,
    ]
    discriminator = [
        784 * 1024 + 1024,
        1024 * 512 + 512,
        512 * 256 + 256,
        256 * 128 + 128,
        128 * 1 + 1,
    ]
    assert (
        counts("mlp", Shape(1, 28, 28), mlp.ARTICLE_BASE)
        == [sum(generator), sum(discriminator)]
        == [1_506_448, 1_492_993]
    )


def test_article_1_has_the_weights_of_its_layers() -> None:
    generator = [
        100 * 7 * 7 * 256,  # dense, no bias
        2 * 7 * 7 * 256,  # batch normalization: scale and shift
        5 * 5 * 256 * 128,
        2 * 128,
        5 * 5 * 128 * 64,
        2 * 64,
        5 * 5 * 64 * 1,
    ]
    discriminator = [
        5 * 5 * 1 * 64 + 64,
        5 * 5 * 64 * 128 + 128,
        7 * 7 * 128 * 1,  # dense, no bias
    ]
    assert counts("dcgan", Shape(1, 28, 28), dcgan.ARTICLE_BASE) == [sum(generator), sum(discriminator)]
    assert [sum(generator), sum(discriminator)] == [2_305_472, 212_864]


def test_article_2_has_the_weights_of_its_layers() -> None:
    generator = [100 * 128 + 128, 128 * 128 + 128, 128 * 784 + 784]
    discriminator = [5 * 5 * 1 * 64 + 64, 5 * 5 * 64 * 128 + 128, 7 * 7 * 128 * 1 + 1]
    assert counts("mlp-cnn", Shape(1, 28, 28), mlp_cnn.ARTICLE_BASE) == [sum(generator), sum(discriminator)]
    assert [sum(generator), sum(discriminator)] == [130_576, 212_865]


def test_the_text_of_article_2_has_the_weights_of_its_layers() -> None:
    generator = [
        100 * 7 * 7 * 128 + 7 * 7 * 128,
        4 * 4 * 128 * 64 + 64,
        4 * 4 * (64 + 128) * 1 + 1,  # of the low features and the high ones
    ]
    discriminator = [5 * 5 * 1 * 64 + 64, 5 * 5 * 64 * 128 + 128, 7 * 7 * (64 + 128) * 1 + 1]
    assert counts("joined", Shape(1, 28, 28), joined.ARTICLE_BASE) == [sum(generator), sum(discriminator)]
    assert [sum(generator), sum(discriminator)] == [767_681, 216_001]


def test_article_3_has_the_weights_of_its_layers() -> None:
    generator = [
        100 * 128 + 128 + 2 * 128,  # dense, and the scale and shift of its batch normalization
        128 * 128 + 128 + 2 * 128,
        128 * 1024 + 1024 + 2 * 1024,
        1024 * 1024 + 1024 + 2 * 1024,
        1024 * 4 * 4 * 256 + 4 * 4 * 256,
        4 * 4 * 256 * 128 + 128 + 2 * 128,
        4 * 4 * 128 * 128 + 128 + 2 * 128,
        4 * 4 * 128 * 64 + 64 + 2 * 64,
        4 * 4 * 64 * 3 + 3,
    ]
    discriminator = [
        4 * 4 * 3 * 64 + 64,
        4 * 4 * 64 * 128 + 128,
        4 * 4 * 128 * 128 + 128,
        8 * 8 * 128 * 1 + 1,
    ]
    assert counts("dcgan64", Shape(3, 64, 64), dcgan64.ARTICLE_BASE) == [sum(generator), sum(discriminator)]
    assert [sum(generator), sum(discriminator)] == [6_335_683, 404_801]


def test_article_4_has_the_layers_that_elmyr_chose_for_it() -> None:
    generator = [100 * 256 + 256, 256 * 512 + 512, 512 * 1024 + 1024, 1024 * 784 + 784]
    discriminator = [4 * 4 * 1 * 64 + 64, 4 * 4 * 64 * 128 + 128, 7 * 7 * 128 * 1 + 1]
    assert counts("classic", Shape(1, 28, 28), classic.USUAL_BASE) == [sum(generator), sum(discriminator)]
    assert [sum(generator), sum(discriminator)] == [1_486_352, 138_561]


@pytest.mark.parametrize("name", ["mlp", "dcgan", "mlp-cnn", "dcgan64", "classic"])
@pytest.mark.parametrize("conditional", [False, True])
def test_a_cured_preset_has_the_layers_of_its_original(name: str, conditional: bool) -> None:
    side, channels = (64, 3) if name == "dcgan64" else (28, 1)
    images = ImageSet(np.zeros((10, side, side, channels), np.uint8), np.arange(10))
    shapes = []
    for preset in (name, f"{name}-cured"):
        config = gan_config(settled_choices(preset, {"conditional": conditional}, images), images)
        shapes.append([{key: value.shape for key, value in net.state_dict().items()} for net in config.build()])
        assert config.network.name == name
    assert shapes[0] == shapes[1]


def test_classes_add_their_embedding_their_inputs_and_their_vectors() -> None:
    plain = PAIRS["mlp"].networks(Shape(1, 28, 28), 0, {"base": 8, "latent": 5, "embedding": 3})
    labeled = PAIRS["mlp"].networks(Shape(1, 28, 28), 4, {"base": 8, "latent": 5, "embedding": 3})
    added = [
        sum(p.numel() for p in b.parameters()) - sum(p.numel() for p in a.parameters())
        for a, b in zip(plain, labeled, strict=True)
    ]
    assert added == [4 * 3 + 3 * 8, 4 * 8]


@pytest.mark.parametrize("name", ["mlp", "dcgan", "mlp-cnn", "joined", "dcgan64", "classic"])
def test_images_keep_to_their_range_however_far_the_latents_go(name: str) -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS[name].networks(Shape(1, 32, 32), 0, {"base": 4, "latent": 6, "embedding": 3})
    images = generator.eval()(1e4 * torch.randn(5, 6), None)
    assert -1 <= images.min() < -0.9 and 0.9 < images.max() <= 1


def test_the_image_of_article_0_is_its_sigmoid_moved_to_minus_one_to_one() -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS["mlp"].networks(Shape(1, 8, 8), 0, {"base": 8, "latent": 6, "embedding": 3})
    assert isinstance(generator, DenseGenerator)
    x = latents = torch.randn(3, 6)
    for layer in generator.hidden:
        x = torch.relu(layer(x))
    expected = 2 * torch.sigmoid(generator.pixels(x)) - 1
    assert torch.allclose(generator(latents, None).flatten(1), expected, atol=1e-6)


def give(weights: list[nn.Parameter], layers: nn.Sequential) -> nn.Sequential:
    for ours, theirs in zip(weights, layers.parameters(), strict=True):
        assert ours.shape == theirs.shape
        theirs.data.copy_(ours)
    return layers


def weights_of(*modules: nn.Module) -> list[nn.Parameter]:
    return [weight for module in modules for weight in module.parameters()]


def test_the_generator_of_article_1_is_its_layers_in_their_order() -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS["dcgan"].networks(Shape(1, 28, 28), 0, {"base": 4, "latent": 6, "embedding": 3})
    layers = nn.Sequential(
        nn.Linear(6, 7 * 7 * 16, bias=False),
        nn.BatchNorm1d(7 * 7 * 16, eps=1e-3),
        nn.LeakyReLU(0.3),
        nn.Unflatten(1, (16, 7, 7)),
        nn.ConvTranspose2d(16, 8, 5, padding=2, bias=False),
        nn.BatchNorm2d(8, eps=1e-3),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(8, 4, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.BatchNorm2d(4, eps=1e-3),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(4, 1, 5, stride=2, padding=2, output_padding=1, bias=False),
        nn.Tanh(),
    )
    latents = torch.randn(5, 6)
    assert torch.allclose(generator(latents, None), give(weights_of(generator), layers)(latents), atol=1e-5)


def test_the_generator_of_article_3_is_its_layers_in_their_order() -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS["dcgan64"].networks(Shape(3, 64, 64), 0, {"base": 2, "latent": 6, "embedding": 3})
    assert isinstance(generator, DCGAN64Generator)
    dense, doublings = ([6, 4, 4, 32, 32], [8, 4, 4, 2])
    layers, ours = nn.Sequential(), []
    for number, (a, b) in enumerate(pairwise(dense)):
        layers.extend([nn.Linear(a, b), nn.LeakyReLU(0.2), nn.BatchNorm1d(b, eps=1e-3)])
        ours += weights_of(generator.dense[number], generator.dense_norms[number])
    layers.extend([nn.Linear(32, 4 * 4 * 8), nn.ReLU(), nn.Unflatten(1, (8, 4, 4))])
    ours += weights_of(generator.maps)
    for number, (a, b) in enumerate(pairwise(doublings)):
        doubling = nn.ConvTranspose2d(a, b, 4, stride=2, padding=1)
        layers.extend([doubling, nn.BatchNorm2d(b, eps=1e-3), nn.LeakyReLU(0.2)])
        ours += weights_of(generator.doublings[number], generator.norms[number])
    layers.extend([nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), nn.Tanh()])
    ours += weights_of(generator.pixels)
    latents = torch.randn(5, 6)
    assert torch.allclose(generator(latents, None), give(ours, layers)(latents), atol=1e-5)


def test_both_networks_of_article_2s_text_end_in_a_layer_that_sees_low_and_high_features() -> None:
    torch.manual_seed(0)
    generator, discriminator = PAIRS["joined"].networks(Shape(1, 8, 8), 0, {"base": 3, "latent": 5, "embedding": 3})
    dense, doubling, pixels = weights_of(generator)[:2], weights_of(generator)[2:4], weights_of(generator)[4:]
    latents = torch.randn(4, 5)
    high = functional.leaky_relu(functional.linear(latents, *dense), 0.2).reshape(4, 6, 2, 2)
    low = functional.leaky_relu(functional.conv_transpose2d(high, *doubling, stride=2, padding=1), 0.2)
    both = torch.cat([low, high.repeat_interleave(2, 2).repeat_interleave(2, 3)], 1)
    images = torch.tanh(functional.conv_transpose2d(both, *pixels, stride=2, padding=1))
    assert torch.allclose(generator(latents, None), images, atol=1e-6)

    first, second, linear = (weights_of(discriminator)[place : place + 2] for place in (0, 2, 4))
    low = functional.leaky_relu(functional.conv2d(images, *first, stride=2, padding=2), 0.2)
    high = functional.leaky_relu(functional.conv2d(low, *second, stride=2, padding=2), 0.2)
    averaged = low.unflatten(2, (2, 2)).unflatten(4, (2, 2)).mean((3, 5))
    logits = functional.linear(torch.cat([averaged, high], 1).flatten(1), *linear)[:, 0]
    assert torch.allclose(discriminator(images, None), logits, atol=1e-6)


@pytest.mark.parametrize("name", ["mlp-cnn", "classic"])
def test_the_dense_generators_of_articles_2_and_4_are_their_layers_in_their_order(name: str) -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS[name].networks(Shape(1, 8, 8), 0, {"base": 4, "latent": 6, "embedding": 3})
    widths = {"mlp-cnn": [6, 8, 8], "classic": [6, 16, 32, 64]}[name]
    layers = nn.Sequential()
    for a, b in pairwise(widths):
        layers.extend([nn.Linear(a, b), nn.LeakyReLU(0.2)])
    layers.extend([nn.Linear(widths[-1], 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8))])
    latents = torch.randn(5, 6)
    assert torch.allclose(generator(latents, None), give(weights_of(generator), layers)(latents), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "kernel", "slope", "widths"),
    [
        ("dcgan", 5, 0.3, [1, 4, 8]),
        ("mlp-cnn", 5, 0.2, [1, 4, 8]),
        ("dcgan64", 4, 0.2, [1, 4, 8, 8]),
        ("classic", 4, 0.2, [1, 4, 8]),
    ],
)
def test_the_articles_discriminators_are_their_layers_in_their_order(
    name: str, kernel: int, slope: float, widths: list[int]
) -> None:
    torch.manual_seed(0)
    _, discriminator = PAIRS[name].networks(Shape(1, 32, 32), 0, {"base": 4, "latent": 6, "embedding": 3})
    layers = nn.Sequential()
    for a, b in pairwise(widths):
        layers.extend([nn.Conv2d(a, b, kernel, stride=2, padding=(kernel - 1) // 2), nn.LeakyReLU(slope)])
    side = 32 // 2 ** (len(widths) - 1)
    layers.extend([nn.Flatten(), nn.Linear(8 * side * side, 1, bias=name != "dcgan")])
    images = torch.randn(5, 1, 32, 32)
    expected = give(weights_of(discriminator), layers)(images)[:, 0]
    assert torch.allclose(discriminator(images, None), expected, atol=1e-6)


@pytest.mark.parametrize(("name", "kept"), [("dcgan", 0.99), ("dcgan64", 0.8)])
def test_running_statistics_keep_the_share_that_keras_calls_momentum(name: str, kept: float) -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS[name].networks(Shape(1, 32, 32), 0, {"base": 4, "latent": 6, "embedding": 3})
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    generator(torch.zeros(4, 6), None)  # alike inputs: no variance at the first norm, so its 1 shrinks to what is kept
    assert norms[0].running_var is not None
    assert torch.allclose(norms[0].running_var, torch.tensor(kept))
    assert {norm.eps for norm in norms} == {1e-3}


def test_the_biases_of_article_3_before_a_batch_normalization_do_nothing_in_training() -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS["dcgan64"].networks(Shape(1, 32, 32), 0, {"base": 4, "latent": 6, "embedding": 3})
    latents = torch.randn(7, 6)
    before = generator(latents, None)
    with torch.no_grad():
        for name, weight in generator.named_parameters():
            if name.startswith("doublings") and name.endswith("bias"):
                weight.add_(1.0)
    assert torch.allclose(generator(latents, None), before, atol=1e-5)


def test_weights_start_as_keras_starts_them() -> None:
    torch.manual_seed(0)
    generator, _ = PAIRS["dcgan"].networks(Shape(1, 28, 28), 0, {"base": 32, "latent": 100, "embedding": 3})
    assert isinstance(generator, DCGANGenerator)
    bound = (6 / (5 * 5 * 128 + 5 * 5 * 64)) ** 0.5  # Glorot: uniform up to sqrt(6 / (inputs + outputs))
    weight = generator.first.weight
    assert 0.99 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
