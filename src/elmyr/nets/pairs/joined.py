"""Article 2's pair as its text has it: transposed convolutions, and low and high features joined.

The text gives no numbers; the widths are those of the article's code. The generator: dense to 128 maps of a quarter of
the size; a transposed 4x4 convolution of stride 2 to 64 maps, beside which the first maps stand, doubled; a transposed
4x4 convolution of stride 2 from both to the image (LeakyReLU between, tanh at the end). The discriminator: two 5x5
convolutions of stride 2 with 64 and 128 channels (LeakyReLU), and a dense layer that sees both, the first averaged to
the size of the second. Sides that are multiples of 4.
"""

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import (
    Discriminator,
    LabeledLatents,
    ProjectionHead,
    indifferent_vectors,
    require_size,
    start_as_keras,
)
from elmyr.nets.layers.to_pixels import ConvTransposeToPixels
from elmyr.nets.pairs.pair import Pair, Shape, SizedConfig

ARTICLE_BASE = 64
SLOPE = 0.2


class JoinedGenerator(nn.Module):
    """Latents (and classes) to images; the last layer sees the first maps and those made of them."""

    def __init__(self, shape: Shape, classes: int, config: SizedConfig) -> None:
        super().__init__()
        (channels, height, width), base = shape, config.base
        self.start = 2 * base, height // 4, width // 4
        self.input = LabeledLatents(config.latent, classes, config.embedding)
        self.dense = nn.Linear(self.input.entries, 2 * base * (height // 4) * (width // 4))
        self.doubling = nn.ConvTranspose2d(2 * base, base, 4, stride=2, padding=1)
        self.pixels = ConvTransposeToPixels(3 * base, channels)
        start_as_keras(self)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W) in [-1, 1]."""
        high = F.leaky_relu(self.dense(self.input(latents, labels)), SLOPE)
        high = high.reshape(-1, *self.start).contiguous(memory_format=torch.channels_last)
        low = F.leaky_relu(self.doubling(high), SLOPE)
        return torch.tanh(self.pixels(torch.cat([low, F.interpolate(high, scale_factor=2.0)], 1)))


class JoinedDiscriminator(Discriminator):
    """Images to one logit each, by the features of both convolutions. No layer looks at other images of the batch."""

    def __init__(self, shape: Shape, classes: int, base: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.low = nn.Conv2d(channels, base, 5, stride=2, padding=2)
        self.high = nn.Conv2d(base, 2 * base, 5, stride=2, padding=2)
        self.width = 3 * base * (height // 4) * (width // 4)
        self.head = ProjectionHead(nn.Linear(self.width, 1), indifferent_vectors(classes, self.width))
        start_as_keras(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        low = F.leaky_relu(self.low(images), SLOPE)
        high = F.leaky_relu(self.high(low), SLOPE)
        return torch.cat([F.avg_pool2d(low, 2), high], 1).flatten(1)


def joined_pair(shape: Shape, classes: int, config: SizedConfig) -> tuple[JoinedGenerator, JoinedDiscriminator]:
    """The pair: `base` is the width of the maps nearest to the image: that of the article's code is 64, its latent 100.
    Raises InputError for sides that are no multiples of 4.
    """
    require_size("joined", *shape[1:], multiple=4, least=8)
    return JoinedGenerator(shape, classes, config), JoinedDiscriminator(shape, classes, config.base)


PAIR = Pair(joined_pair, SizedConfig, has_features=True)
