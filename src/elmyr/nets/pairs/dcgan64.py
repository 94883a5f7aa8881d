"""Article 3's pair: a deeper DCGAN (Radford et al. 2016), at 64x64 and in color.

The generator: dense 128, 128, 1024, 1024 (LeakyReLU 0.2, then batch normalization), dense to 256 maps of a sixteenth
of the size (ReLU), then transposed 4x4 convolutions of stride 2 with 128, 128, 64 (batch normalization, LeakyReLU) and
the image's channels (tanh). The discriminator: 4x4 convolutions of stride 2 with 64, 128, 128 (LeakyReLU 0.2) and a
dense layer. Put right: the article "reshapes" 28x28 pixels to 64x64x3; here images have the size and the channels that
they have. Sides that are multiples of 16; the maps start at 4x4 for 64x64.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import LabeledLatents, require_size, start_as_keras
from elmyr.nets.layers.to_pixels import ConvTransposeToPixels
from elmyr.nets.pairs.pair import Pair, Shape, SizedConfig
from elmyr.nets.pairs.strided import StridedDiscriminator

ARTICLE_BASE = 64
SLOPE = 0.2
EPSILON, MOMENTUM = 1e-3, 0.2  # Keras's default, and the article's 0.8: Keras's momentum is the share that stays


class DCGAN64Generator(nn.Module):
    """Latents (and classes) to images by dense layers and four transposed convolutions.

    In training its batch normalization looks at the whole batch; in eval mode each image is its own. As in the article
    the transposed convolutions have biases, which their batch normalization subtracts again.
    """

    def __init__(self, shape: Shape, classes: int, config: SizedConfig) -> None:
        super().__init__()
        (channels, height, width), base = shape, config.base
        self.start = 4 * base, height // 16, width // 16
        self.input = LabeledLatents(config.latent, classes, config.embedding)
        dense = [2 * base, 2 * base, 16 * base, 16 * base]
        self.dense = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([self.input.entries, *dense]))
        self.dense_norms = nn.ModuleList(nn.BatchNorm1d(b, eps=EPSILON, momentum=MOMENTUM) for b in dense)
        self.maps = nn.Linear(dense[-1], 4 * base * (height // 16) * (width // 16))
        widths = [4 * base, 2 * base, 2 * base, base]
        self.doublings = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm2d(b, eps=EPSILON, momentum=MOMENTUM) for b in widths[1:])
        self.pixels = ConvTransposeToPixels(base, channels)
        start_as_keras(self)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W) in [-1, 1]."""
        x = self.input(latents, labels)
        for layer, norm in zip(self.dense, self.dense_norms, strict=True):
            x = norm(F.leaky_relu(layer(x), SLOPE))
        x = F.relu(self.maps(x)).reshape(-1, *self.start).contiguous(memory_format=torch.channels_last)
        for layer, norm in zip(self.doublings, self.norms, strict=True):
            x = F.leaky_relu(norm(layer(x)), SLOPE)
        return torch.tanh(self.pixels(x))


def dcgan64_pair(shape: Shape, classes: int, config: SizedConfig) -> tuple[DCGAN64Generator, StridedDiscriminator]:
    """The pair: `base` is the width of the maps nearest to the image: the article's is 64, its latent 100.
    Raises InputError for sides that are no multiples of 16.
    """
    require_size("dcgan64", *shape[1:], multiple=16, least=16)
    return (
        DCGAN64Generator(shape, classes, config),
        StridedDiscriminator(shape, classes, [config.base, 2 * config.base, 2 * config.base], kernel=4, slope=SLOPE),
    )


PAIR = Pair(dcgan64_pair, SizedConfig, has_features=True)
