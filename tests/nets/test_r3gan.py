"""R3GAN's networks: the published size, blocks that start as the identity, a filter by hand."""

import pytest
import torch

from elmyr.core.errors import InputError
from elmyr.nets import PAIRS, Shape
from elmyr.nets.pairs.r3gan import Bottleneck, Resampler


def test_at_the_published_size_the_weights_are_those_of_eight_blocks_of_768_channels() -> None:
    """By hand: 1x1 and back, 3x3 in groups of sixteen, two biases; bases of 4x4, pixels, latents with classes, head."""
    channels, inner = 768, 1536
    block = 2 * channels * inner + inner * 16 * 9 + 2 * inner
    shared = 8 * block + channels * 16 + 3 * channels
    generator, discriminator = PAIRS["r3gan"].networks(Shape(3, 32, 32), 10, {"base": channels, "blocks": 2})
    assert sum(p.numel() for p in generator.parameters()) == shared + (64 + 64) * channels + 10 * 64
    assert sum(p.numel() for p in discriminator.parameters()) == shared + channels + 10 * channels


def test_a_block_starts_as_the_identity_and_a_deeper_network_starts_smaller() -> None:
    x = torch.randn(2, 16, 5, 5)
    torch.manual_seed(0)
    shallow = Bottleneck(16, depth=1)
    assert torch.equal(shallow(x), x)
    torch.manual_seed(0)
    deep = Bottleneck(16, depth=16)
    assert torch.allclose(deep.expand.weight, shallow.expand.weight / 2)


def test_maps_double_and_halve_by_the_filter_and_halving_is_the_adjoint() -> None:
    """By hand: a point of 4 becomes the filter's outer product; the inner products of both ways differ by the gain."""
    resampler = Resampler(1).double()
    point = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    point[0, 0, 1, 1] = 4
    row = torch.tensor([0.0, 1, 2, 1, 0, 0], dtype=torch.float64)
    assert torch.allclose(resampler.doubled(point)[0, 0], torch.outer(row, row))
    small, large = torch.randn(1, 1, 4, 6, dtype=torch.float64), torch.randn(1, 1, 8, 12, dtype=torch.float64)
    assert torch.allclose(4 * (resampler.halved(large) * small).sum(), (large * resampler.doubled(small)).sum())


def test_channels_that_make_no_groups_are_refused_with_the_mend() -> None:
    with pytest.raises(InputError, match="network.base is 20, take a multiple of 8"):
        PAIRS["r3gan"].networks(Shape(3, 32, 32), 0, {"base": 20, "latent": 4, "embedding": 4})
