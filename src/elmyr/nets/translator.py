"""A translator from one kind of image into another: any size, most work at low resolution, at first the identity.

The residual blocks of the residual pair between a strided stem and a transposed head, as in the U-Net of repair. What
comes out is what it draws, and a multiple of the image itself, pixel by pixel, negative where ink is to turn: a picture
that keeps its shapes need not be drawn anew.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.to_pixels import ConvTransposeToPixels
from elmyr.nets.pairs.residual import SLOPE, ResidualBlock

FIRST_STRENGTH = 0.1  # of what it draws at the start


class TranslatorNet(nn.Module):
    """Images of one kind to images of another.

    widths: channels of each level, the first at half the image's size, each further one at half of the one before.
    bottom: residual blocks of the last level; the others have one on the way down and one on the way up.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], bottom: int) -> None:
        super().__init__()
        self.channels = channels
        self.stem = nn.Conv2d(channels, widths[0], 4, stride=2, padding=1)
        self.down = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.narrowings = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.bottom = nn.ModuleList(ResidualBlock(widths[-1]) for _ in range(bottom))
        self.widenings = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.head = ConvTransposeToPixels(widths[0], 2 * channels)
        with torch.no_grad():
            self.head.weight.mul_(FIRST_STRENGTH)

    @property
    def multiple(self) -> int:
        """What both sides of an image are brought to a multiple of."""
        return 2 << len(self.widenings)

    def encode(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The features of each level, first to last."""
        x = self.stem(self._padded(images))
        features = []
        for block, narrowing in zip(self.down, self.narrowings, strict=True):
            features.append(block(x))
            x = narrowing(F.leaky_relu(features[-1], SLOPE))
        for block in self.bottom:
            x = block(x)
        return [*features, x]

    def decode(self, features: list[torch.Tensor], images: torch.Tensor) -> torch.Tensor:
        """Features of `encode` -> images (N, C, H, W)."""
        *skips, x = features
        for skip, widening, block in zip(reversed(skips), reversed(self.widenings), reversed(self.up), strict=True):
            x = block(skip + F.interpolate(widening(F.leaky_relu(x, SLOPE)), scale_factor=2.0, mode="nearest"))
        height, width = images.shape[2:]
        drawn, more = self.head(F.leaky_relu(x, SLOPE))[:, :, :height, :width].split(self.channels, 1)
        result: torch.Tensor = drawn + (1 + more) * images
        return result

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> images of the same shape, about [-1, 1]."""
        return self.decode(self.encode(images), images)

    def _padded(self, images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[2:]
        return F.pad(images, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
