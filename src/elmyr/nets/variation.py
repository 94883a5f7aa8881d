"""A generator of variations: from an image, and a latent, to another image of its class.

After DAGAN (Antoniou, Storkey & Edwards 2017, "Data Augmentation Generative Adversarial Networks"), with an encoder
features the decoder sees at every level, made of the blocks of the residual pair. DAGAN draws the new image; drawn by a
network that knows five classes, a sixth turns into one of these. Here the image itself is bent, made lighter and darker
place by place, and given details up to a bound, so that of a class never seen the shape remains.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import flattened
from elmyr.nets.layers.to_pixels import ConvToPixels, ConvTransposeToPixels
from elmyr.nets.pairs.pair import BlocksConfig, Shape
from elmyr.nets.pairs.residual import SLOPE, ResidualBlock, pyramid

CODE = 2  # entries of what the whole image says, for each channel of the first level
GRID = 4  # places a side that are moved, and made lighter or darker; what lies between follows smoothly
FARTHEST = 0.3  # that a place is moved, in halves of the side
DARKEST = 1.0  # the logarithm of the factor of what is lighter than black, either way
DETAIL = 0.25  # the most that is added to a pixel, of the range from -1 to 1
FIRST_STRENGTH = 0.1  # of all three at the start


class VariationGenerator(nn.Module):
    """Images and latents to images."""

    def __init__(self, shape: Shape, config: BlocksConfig) -> None:
        super().__init__()
        (channels, height, width), base = shape, config.base
        self.image_size, self.sizes = (height, width), pyramid(height, width)
        widths = [base] + [2 * base] * (len(self.sizes) - 1)
        strided = self.sizes[0] != (height, width)
        self.stem = (
            nn.Conv2d(channels, base, 4, stride=2, padding=1) if strided else nn.Conv2d(channels, base, 3, padding=1)
        )
        self.down = nn.ModuleList(_level(width, config.blocks) for width in widths)
        self.widenings = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(widths))
        rows, columns = self.sizes[-1]
        self.code = nn.Linear(widths[-1] * rows * columns, CODE * base)
        self.root = nn.Linear(CODE * base + config.latent, widths[-1] * rows * columns)
        self.up = nn.ModuleList(_level(width, config.blocks) for width in widths)
        self.narrowings = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.styles = nn.ModuleList(nn.Linear(config.latent, width, bias=False) for width in widths[:-1])
        self.change = nn.Conv2d(widths[-1], 2 + channels, 1)  # where a place comes from, and how light it is
        self.detail = ConvTransposeToPixels(base, channels) if strided else ConvToPixels(base, channels)
        with torch.no_grad():
            for last in (self.change, self.detail):
                last.weight.mul_(FIRST_STRENGTH)

    def encode(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Images (N, C, H, W) in [-1, 1] -> the features of each level, first to last."""
        height, width = self.image_size
        x = self.stem(F.pad(images, (0, width % 2, 0, height % 2)) if self.stem.stride != (1, 1) else images)
        features = [self.down[0](x)]
        for widening, level in zip(self.widenings, list(self.down)[1:], strict=True):
            features.append(level(widening(F.avg_pool2d(features[-1], 2, ceil_mode=True))))
        return features

    def forward(self, images: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] and latents (N, latent) -> images of the same shape, about [-1, 1]."""
        *skips, last = self.encode(images)
        code = F.leaky_relu(self.code(flattened(F.leaky_relu(last, SLOPE))), SLOPE)
        x = last + self.root(torch.cat([code, latents], 1)).unflatten(1, last.shape[1:])
        x = self.up[-1](x.contiguous(memory_format=torch.channels_last))
        change = self.change(F.adaptive_avg_pool2d(F.leaky_relu(x, SLOPE), GRID))
        for number in reversed(range(len(skips))):
            upward = F.interpolate(self.narrowings[number](x), size=self.sizes[number], mode="nearest")
            x = self.up[number](upward + skips[number] + self.styles[number](latents)[:, :, None, None])
        height, width = self.image_size
        detail = torch.tanh(self.detail(F.leaky_relu(x, SLOPE))[:, :, :height, :width])
        return _changed(images, change.to(images.dtype)) + DETAIL * detail.to(images.dtype)


def _level(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))


def _changed(images: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """Images bent and made lighter or darker by what a coarse grid (N, 2 + C, h, w) says."""
    height, width = images.shape[2:]
    fine = torch.tanh(F.interpolate(change, size=(height, width), mode="bicubic", align_corners=False))
    rows, columns = (torch.arange(side, device=images.device) for side in (height, width))
    across = ((2 * columns + 1) / width - 1).to(images.dtype) + FARTHEST * fine[:, 0]
    down = ((2 * rows + 1) / height - 1).to(images.dtype)[:, None] + FARTHEST * fine[:, 1]
    bent = F.grid_sample(images, torch.stack([across, down], -1), padding_mode="border", align_corners=False)
    return (bent + 1) * torch.exp(DARKEST * fine[:, 2:]) - 1
