"""Article 1's pair: DCGAN (Radford et al. 2016) for small images, by way of TensorFlow's tutorial.

The generator: dense to 256 maps of a quarter of the size, then transposed 5x5 convolutions with 128 (stride 1), 64
(stride 2) and the image's channels (stride 2); batch normalization and LeakyReLU after each but the last, and no biases
(before a batch normalization they would be subtracted again). The discriminator: two 5x5 convolutions of stride 2 with
64 and 128 channels (LeakyReLU) and a dense layer without bias. Put right: the article's generator ends without an
activation, and gets tanh. Sides that are multiples of 4.
"""

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import LabeledLatents, require_size, start_as_keras
from elmyr.nets.pairs.pair import Pair, Shape, SizedConfig
from elmyr.nets.pairs.strided import StridedDiscriminator

ARTICLE_BASE = 64
SLOPE = 0.3  # Keras's default
EPSILON, MOMENTUM = 1e-3, 0.01  # Keras's defaults; its momentum is the share that stays, 0.99


class DCGANGenerator(nn.Module):
    """Latents (and classes) to images by transposed convolutions.

    In training its batch normalization looks at the whole batch; in eval mode each image is its own.
    """

    def __init__(self, shape: Shape, classes: int, config: SizedConfig) -> None:
        super().__init__()
        (channels, height, width), base = shape, config.base
        self.start = 4 * base, height // 4, width // 4
        self.input = LabeledLatents(config.latent, classes, config.embedding)
        entries = 4 * base * (height // 4) * (width // 4)
        self.dense = nn.Linear(self.input.entries, entries, bias=False)
        self.dense_norm = nn.BatchNorm1d(entries, eps=EPSILON, momentum=MOMENTUM)
        self.first = nn.ConvTranspose2d(4 * base, 2 * base, 5, padding=2, bias=False)
        self.first_norm = nn.BatchNorm2d(2 * base, eps=EPSILON, momentum=MOMENTUM)
        self.second = nn.ConvTranspose2d(2 * base, base, 5, stride=2, padding=2, output_padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(base, eps=EPSILON, momentum=MOMENTUM)
        self.pixels = nn.ConvTranspose2d(base, channels, 5, stride=2, padding=2, output_padding=1, bias=False)
        start_as_keras(self)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W) in [-1, 1]."""
        x = F.leaky_relu(self.dense_norm(self.dense(self.input(latents, labels))), SLOPE)
        x = x.reshape(-1, *self.start).contiguous(memory_format=torch.channels_last)
        x = F.leaky_relu(self.first_norm(self.first(x)), SLOPE)
        x = F.leaky_relu(self.second_norm(self.second(x)), SLOPE)
        return torch.tanh(self.pixels(x))


def dcgan_pair(shape: Shape, classes: int, config: SizedConfig) -> tuple[DCGANGenerator, StridedDiscriminator]:
    """The pair: `base` is the width of the maps nearest to the image: the article's is 64, its latent 100.
    Raises InputError for sides that are no multiples of 4.
    """
    require_size("dcgan", *shape[1:], multiple=4, least=8)
    return (
        DCGANGenerator(shape, classes, config),
        StridedDiscriminator(shape, classes, [config.base, 2 * config.base], kernel=5, slope=SLOPE, bias=False),
    )


PAIR = Pair(dcgan_pair, SizedConfig, has_features=True)
