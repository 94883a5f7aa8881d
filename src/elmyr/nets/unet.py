"""A U-Net from an image and what is known of its damage to the image as it was: any size, most work at low resolution.

After Ronneberger et al. 2015, with the residual blocks of the residual pair, no normalization and no full-resolution
convolution: a strided stem, a transposed head, and the damaged image itself beside the head. What it makes of a place
depends on the `reach` around it alone, so that an image may be taken in tiles.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.to_pixels import ConvTransposeToPixels
from elmyr.nets.pairs.residual import SLOPE, ResidualBlock


class UNet(nn.Module):
    """Damaged images and their masks to repaired ones; with noise, to one of several answers.

    widths: channels of each level, the first at half the image's size, each further one at half of the one before.
    bottom: residual blocks of the last level; the others have one on the way down and one on the way up.
    noise: entries of the noise, 0 for one answer only. Noise of zeros gives the answer in the middle.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], bottom: int, noise: int) -> None:
        super().__init__()
        self.channels, self.noise = channels, noise
        self.stem = nn.Conv2d(channels + 1, widths[0], 4, stride=2, padding=1)
        self.down = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.narrowings = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.bottom = nn.ModuleList(ResidualBlock(widths[-1]) for _ in range(bottom))
        self.widenings = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.head = ConvTransposeToPixels(widths[0], 2 * channels)
        places = [widths[-1]] * bottom + [width for width in reversed(widths[:-1])]
        styles = [nn.Linear(noise, width, bias=False) for width in places] if noise else []
        for style in styles:
            nn.init.normal_(style.weight, std=0.1)
        self.styles = nn.ModuleList(styles)

    @property
    def multiple(self) -> int:
        """What both sides of an image are brought to a multiple of: where its tiles may begin."""
        return 2 << len(self.widenings)

    @property
    def reach(self) -> int:
        """The pixels around a place, at most, that its answer depends on."""
        scale, reach = 2, 1  # the stem looks one pixel past each pair
        for _ in self.down:
            reach += 2 * 2 * scale  # a block down and one up, two pixels of this level each
            scale *= 2
        return reach + 2 * len(self.bottom) * scale + 4 + scale  # the head's two places, and where a cell begins

    def encode(self, images: torch.Tensor, masks: torch.Tensor) -> list[torch.Tensor]:
        """What is the same for all answers: the features of each level, first to last."""
        height, width = images.shape[2:]
        x = torch.cat([images.masked_fill(masks, 0), masks.to(images.dtype)], 1)
        x = self.stem(F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate"))
        features = []
        for block, narrowing in zip(self.down, self.narrowings, strict=True):
            features.append(block(x))
            x = narrowing(F.leaky_relu(features[-1], SLOPE))
        return [*features, x]

    def decode(
        self, features: list[torch.Tensor], images: torch.Tensor, masks: torch.Tensor, noise: torch.Tensor | None
    ) -> torch.Tensor:
        """Features of `encode` and noise (N, noise), None for the answer in the middle -> images (N, C, H, W)."""
        *skips, x = features
        number = 0
        for block in self.bottom:
            x = block(self._styled(x, noise, number))
            number += 1
        for skip, widening, block in zip(reversed(skips), reversed(self.widenings), reversed(self.up), strict=True):
            x = skip + F.interpolate(widening(F.leaky_relu(x, SLOPE)), scale_factor=2.0, mode="nearest")
            x = block(self._styled(x, noise, number))
            number += 1
        height, width = images.shape[2:]
        drawn, trust = self.head(F.leaky_relu(x, SLOPE))[:, :, :height, :width].chunk(2, 1)
        kept = torch.sigmoid(trust - 1).masked_fill(masks, 0)
        result: torch.Tensor = drawn + kept * (images - drawn)
        return result

    def forward(self, images: torch.Tensor, masks: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1], masks bool (N, 1, H, W), true where hidden -> images (N, C, H, W).

        Masks false everywhere say nothing of the damage. noise: (N, noise).
        """
        return self.decode(self.encode(images, masks), images, masks, noise)

    def _styled(self, x: torch.Tensor, noise: torch.Tensor | None, number: int) -> torch.Tensor:
        if noise is None:
            return x
        shift: torch.Tensor = self.styles[number](noise)
        return x + shift[:, :, None, None]
