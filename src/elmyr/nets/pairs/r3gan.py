"""The networks of R3GAN as published (Huang et al. 2024, "The GAN is dead; long live the GAN!", configuration E).

Bottleneck blocks as in ResNeXt (Xie et al. 2017) without normalization; sizes double and halve by the filter [1, 2, 1];
at the smallest size the generator weighs a learned basis of maps by the latent, and the discriminator reads its maps by
one. At 32x32 pixels the paper has 768 channels and two blocks a size. On a CPU convolutions in groups are slow:
`residual` is the same idea for there. The class enters as in `residual`.
"""

from math import prod, sqrt
from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.core.errors import InputError
from elmyr.nets.layers.parts import Discriminator, LabeledLatents, ProjectionHead, halvings, indifferent_vectors
from elmyr.nets.pairs.pair import BlocksConfig, Pair, Shape

L = TypeVar("L", nn.Linear, nn.Conv2d)
SLOPE = 0.2
EXPANSION = 2  # channels inside a block for each of the stream
GROUP = 16  # channels of a group of the 3x3 convolution


class Bottleneck(nn.Module):
    """1x1 to twice the channels, 3x3 in groups of sixteen, 1x1 back; biases and LeakyReLU between; plus the identity.

    It starts as the identity, its inner weights smaller the more blocks the network has, `depth`: so that a deep stack
    without normalization starts steady (Fixup, Zhang et al. 2019).
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        inner = EXPANSION * channels
        self.expand = nn.Conv2d(channels, inner, 1, bias=False)
        self.grouped = nn.Conv2d(inner, inner, 3, padding=1, groups=max(1, inner // GROUP), bias=False)
        self.contract = nn.Conv2d(inner, channels, 1, bias=False)
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(inner)) for _ in range(2)])
        for convolution in (self.expand, self.grouped):
            _start(convolution, gain=sqrt(2 / (1 + SLOPE**2)) * depth ** (-1 / 4))
        nn.init.zeros_(self.contract.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        first, second = (bias[:, None, None] for bias in self.biases)
        y = F.leaky_relu(self.expand(x) + first, SLOPE)
        y = F.leaky_relu(self.grouped(y) + second, SLOPE)
        change: torch.Tensor = self.contract(y)
        return x + change


class Resampler(nn.Module):
    """Maps of twice or of half the size, by the filter [1, 2, 1] in both directions; its sum keeps the mean."""

    kernel: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = torch.outer(taps, taps).expand(channels, 1, 3, 3).clone()
        self.register_buffer("kernel", kernel, persistent=False)

    def doubled(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, 2H, 2W)."""
        kernel = 4 * self.kernel  # three of four places are empty before the filter
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1, groups=len(kernel))

    def halved(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H / 2, W / 2)."""
        return F.conv2d(x, self.kernel, stride=2, padding=1, groups=len(self.kernel))


class R3GANGenerator(nn.Module):
    """Latents (and classes) to images."""

    def __init__(self, shape: Shape, classes: int, config: BlocksConfig) -> None:
        super().__init__()
        (channels, *size), base = shape, config.base
        sizes = halvings(*size)
        self.latents = LabeledLatents(config.latent, classes, config.embedding)
        if self.latents.embedding is not None:
            nn.init.normal_(self.latents.embedding.weight, std=1 / sqrt(classes))
        self.weights = _start(nn.Linear(self.latents.entries, base, bias=False))
        self.basis = nn.Parameter(torch.randn(base, *sizes[-1]))
        self.levels, self.resampler = _levels(len(sizes), base, config.blocks), Resampler(base)
        self.to_pixels = _start(nn.Conv2d(base, channels, 1, bias=False))

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W), about [-1, 1]."""
        weights = self.weights(self.latents(latents, labels))
        x = (weights[:, :, None, None] * self.basis).contiguous(memory_format=torch.channels_last)
        for number, level in enumerate(self.levels):
            x = level(self.resampler.doubled(x) if number else x)
        images: torch.Tensor = self.to_pixels(x)
        return images


class R3GANDiscriminator(Discriminator):
    """Images to one logit each: the generator's mirror."""

    def __init__(self, shape: Shape, classes: int, config: BlocksConfig) -> None:
        super().__init__()
        (channels, *size), base = shape, config.base
        sizes = halvings(*size)
        self.from_pixels = _start(nn.Conv2d(channels, base, 1, bias=False))
        self.levels, self.resampler = _levels(len(sizes), base, config.blocks), Resampler(base)
        self.basis = _start(nn.Conv2d(base, base, sizes[-1], groups=base, bias=False))
        self.width = base
        self.head = ProjectionHead(_start(nn.Linear(base, 1, bias=False)), indifferent_vectors(classes, base))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        x = self.from_pixels(images)
        for number, level in enumerate(self.levels):
            x = level(self.resampler.halved(x) if number else x)
        features: torch.Tensor = self.basis(x).flatten(1)
        return features


def _levels(count: int, base: int, blocks: int) -> nn.ModuleList:
    depth = count * blocks
    return nn.ModuleList(nn.Sequential(*(Bottleneck(base, depth) for _ in range(blocks))) for _ in range(count))


def _start(layer: L, gain: float = 1.0) -> L:
    """Normal weights that keep the variance, times the gain squared (He et al. 2015)."""
    nn.init.normal_(layer.weight, std=gain / sqrt(prod(layer.weight.shape[1:])))
    return layer


def r3gan_pair(shape: Shape, classes: int, config: BlocksConfig) -> tuple[R3GANGenerator, R3GANDiscriminator]:
    """The generator and the discriminator for images of one shape; InputError for channels that make no groups."""
    base = config.base
    if base > GROUP // EXPANSION and EXPANSION * base % GROUP:
        raise InputError(
            f"network 'r3gan' convolves in groups of {GROUP} channels: network.base is {base}, take a multiple of "
            f"{GROUP // EXPANSION}"
        )
    return R3GANGenerator(shape, classes, config), R3GANDiscriminator(shape, classes, config)


PAIR = Pair(r3gan_pair, BlocksConfig, has_features=True)
