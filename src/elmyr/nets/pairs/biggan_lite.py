"""A small BigGAN (Brock et al. 2019, "Large scale GAN training for high fidelity natural image synthesis").

What it has of BigGAN: a generator whose batch normalization is steered by latent and class, residual blocks that double
and halve the size, self-attention at about 16x16, spectral normalization in both networks, a projection discriminator,
orthogonal starts. The latent goes whole to every block, as in BigGAN-deep, not in chunks. Sides: multiples of 4.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.attention import SelfAttention, attended_level
from elmyr.nets.layers.parts import (
    Discriminator,
    LabeledLatents,
    ProjectionHead,
    doubled_widths,
    halvings,
    require_size,
)
from elmyr.nets.layers.spectral import spectrally_normalized
from elmyr.nets.layers.to_pixels import ConvToPixels
from elmyr.nets.layers.upsampled import UpsampledConv2d
from elmyr.nets.pairs.pair import BlocksConfig, Pair, Shape


class SteeredNorm(nn.Module):
    """Batch normalization whose gain and shift come from a condition vector: 1 and 0 plus linear functions of it."""

    def __init__(self, channels: int, entries: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = spectrally_normalized(nn.Linear(entries, channels))
        self.shift = spectrally_normalized(nn.Linear(entries, channels))

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Maps (N, C, H, W) and conditions (N, entries) -> (N, C, H, W)."""
        gain, shift = self.gain(condition)[:, :, None, None], self.shift(condition)[:, :, None, None]
        result: torch.Tensor = self.norm(x) * (1 + gain) + shift
        return result


class GeneratorBlock(nn.Module):
    """Norm, ReLU, (doubling,) convolution, twice, beside a shortcut.

    No biases: nothing but batch normalizations looks at the sum, and they would subtract them again.
    """

    def __init__(self, inputs: int, outputs: int, entries: int, *, doubles: bool) -> None:
        super().__init__()
        self.doubles = doubles
        self.first_norm = SteeredNorm(inputs, entries)
        first = UpsampledConv2d(inputs, outputs) if doubles else nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.first = spectrally_normalized(first)
        self.second_norm = SteeredNorm(outputs, entries)
        self.second = spectrally_normalized(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False))
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = spectrally_normalized(nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Maps (N, inputs, H, W) and conditions (N, entries) -> (N, outputs, H, W), or of twice the size."""
        h = self.first(F.relu(self.first_norm(x, condition)))
        h = self.second(F.relu(self.second_norm(h, condition)))
        x = self.shortcut(x)  # the 1x1 convolution commutes with the doubling
        result: torch.Tensor = h + (F.interpolate(x, scale_factor=2.0, mode="nearest") if self.doubles else x)
        return result


class DiscriminatorBlock(nn.Module):
    """ReLU, convolution, twice, (halving,) beside a shortcut; the block that sees the image has no ReLU before."""

    def __init__(self, inputs: int, outputs: int, *, halves: bool, sees_image: bool = False) -> None:
        super().__init__()
        self.halves, self.sees_image = halves, sees_image
        self.first = spectrally_normalized(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.second = spectrally_normalized(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = spectrally_normalized(nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W), or of half the size."""
        h = self.second(F.relu(self.first(x if self.sees_image else F.relu(x))))
        if self.halves:
            x, h = F.avg_pool2d(x, 2), F.avg_pool2d(h, 2)
        result: torch.Tensor = self.shortcut(x) + h
        return result


class BigGANLiteGenerator(nn.Module):
    """Latents (and classes) to images.

    In training its batch normalization looks at the whole batch; in eval mode each image is its own.
    """

    def __init__(self, shape: Shape, classes: int, config: BlocksConfig) -> None:
        super().__init__()
        (channels, *size), base = shape, config.base
        sizes = halvings(*size)[::-1]
        widths = doubled_widths(len(sizes), base)[::-1]
        self.start = widths[0], *sizes[0]
        self.input = LabeledLatents(config.latent, classes, config.embedding)
        entries = self.input.entries
        self.root = spectrally_normalized(nn.Linear(entries, widths[0] * sizes[0][0] * sizes[0][1]))
        self.levels = nn.ModuleList(
            nn.ModuleList(GeneratorBlock(b if k else a, b, entries, doubles=not k) for k in range(config.blocks))
            for a, b in pairwise(widths)
        )
        self.attended = attended_level(sizes)
        self.attention = SelfAttention(widths[self.attended])
        self.norm = nn.BatchNorm2d(base)
        self.pixels = spectrally_normalized(ConvToPixels(base, channels))

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W) in [-1, 1]."""
        condition = self.input(latents, labels)
        x = self.root(condition).unflatten(1, self.start).contiguous(memory_format=torch.channels_last)
        x = self.attention(x) if self.attended == 0 else x
        for level, blocks in enumerate(self.levels, 1):
            assert isinstance(blocks, nn.ModuleList)
            for block in blocks:
                x = block(x, condition)
            x = self.attention(x) if self.attended == level else x
        return torch.tanh(self.pixels(F.relu(self.norm(x))))


class BigGANLiteDiscriminator(Discriminator):
    """Images to one logit each. With classes, the logit is that of "a real image of this class".

    No layer looks at other images of the batch.
    """

    def __init__(self, shape: Shape, classes: int, config: BlocksConfig) -> None:
        super().__init__()
        (channels, *size), blocks = shape, config.blocks
        sizes = halvings(*size)
        widths = doubled_widths(len(sizes), config.base)
        inputs = [channels, *widths[:-2]]
        self.levels = nn.ModuleList(
            nn.Sequential(
                *(
                    DiscriminatorBlock(b if k else a, b, halves=k == blocks - 1, sees_image=not level and not k)
                    for k in range(blocks)
                )
            )
            for level, (a, b) in enumerate(zip(inputs, widths[:-1], strict=True))
        )
        self.last = DiscriminatorBlock(widths[-2], widths[-1], halves=False)
        self.attended = attended_level(sizes[1:])
        self.attention = SelfAttention(widths[self.attended])
        self.width = widths[-1]
        linear = spectrally_normalized(nn.Linear(self.width, 1))
        self.head = ProjectionHead(
            linear, spectrally_normalized(nn.Embedding(classes, self.width)) if classes else None
        )

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        x = images
        for level, blocks in enumerate(self.levels):
            x = blocks(x)
            x = self.attention(x) if self.attended == level else x
        return F.relu(self.last(x)).sum((2, 3))


def biggan_lite_pair(
    shape: Shape, classes: int, config: BlocksConfig
) -> tuple[BigGANLiteGenerator, BigGANLiteDiscriminator]:
    """The pair: `base` is the width of the maps at full size, doubled at each halving up to four times.

    `blocks` are the residual blocks at each size. Raises InputError for sides that are no multiples of 4.
    """
    require_size("biggan-lite", *shape[1:], multiple=4, least=8)
    return BigGANLiteGenerator(shape, classes, config), BigGANLiteDiscriminator(shape, classes, config)


PAIR = Pair(biggan_lite_pair, BlocksConfig, has_features=True)
