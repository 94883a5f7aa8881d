from itertools import pairwise

import pytest
import torch

from elmyr.nets import PAIRS, Shape
from elmyr.nets.pairs.residual import ResidualBlock, ResidualDiscriminator, ResidualGenerator, pyramid

SIZES = [(8, 8), (9, 13), (16, 16), (28, 28), (30, 45), (32, 32), (64, 64), (128, 128)]


def pair(size: tuple[int, int], channels: int = 1, classes: int = 0) -> tuple[ResidualGenerator, ResidualDiscriminator]:
    return PAIRS["residual"].networks(Shape(channels, *size), classes, {"base": 8, "latent": 5, "embedding": 3})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("classes", [0, 4])
def test_any_size_channels_and_classes_give_images_logits_and_finite_gradients(
    size: tuple[int, int], channels: int, classes: int
) -> None:
    generator, discriminator = pair(size, channels, classes)
    labels = torch.tensor([0, 3]) if classes else None
    images = generator(torch.randn(2, 5), labels)
    assert images.shape == (2, channels, *size)
    logits = discriminator(images, labels)
    assert logits.shape == (2,)
    logits.sum().backward()
    gradients = [p.grad for net in (generator, discriminator) for p in net.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("size", SIZES)
def test_the_pyramid_ends_small_and_halves(size: tuple[int, int]) -> None:
    sizes = pyramid(*size)
    assert 4 <= min(sizes[-1]) <= 7
    assert all(b == ((a[0] + 1) // 2, (a[1] + 1) // 2) for a, b in pairwise(sizes))


def test_a_new_block_is_the_identity() -> None:
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(ResidualBlock(8)(x), x)


def test_an_image_is_the_same_in_any_company() -> None:
    generator, discriminator = pair((28, 28), classes=4)
    latents, labels = torch.randn(6, 5), torch.arange(6) % 4
    together = generator(latents, labels)
    alone = generator(latents[2:3], labels[2:3])
    assert torch.allclose(together[2:3], alone, atol=1e-5)
    assert torch.allclose(discriminator(together, labels)[2:3], discriminator(alone, labels[2:3]), atol=1e-4)


def test_the_label_changes_the_image_and_after_a_step_the_logit() -> None:
    generator, discriminator = pair((8, 8), classes=4)
    latents = torch.randn(1, 5).repeat(2, 1)
    first, second = generator(latents, torch.tensor([0, 1]))
    assert not torch.allclose(first, second)
    assert discriminator.head.class_vectors is not None
    torch.nn.init.normal_(discriminator.head.class_vectors.weight)
    logits = discriminator(first.expand(2, -1, -1, -1), torch.tensor([0, 1]))
    assert not torch.allclose(logits[0], logits[1])


def test_the_default_pair_has_the_weights_that_the_docs_state() -> None:
    pair_28 = PAIRS["residual"].networks(Shape(1, 28, 28), 10)
    counts = [sum(p.numel() for p in net.parameters()) for net in pair_28]
    assert counts == [1_188_033, 1_182_785]
