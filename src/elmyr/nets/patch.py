"""A discriminator of patches: a logit for each place of an image, beside what the image was made from.

After PatchGAN (Isola et al. 2017), with every weight's spectral norm 1 (Miyato et al. 2018).
"""

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.spectral import spectrally_normalized
from elmyr.nets.pairs.residual import SLOPE


class PatchDiscriminator(nn.Module):
    """Images and their condition to a logit for each 4x4 pixels, high for real; each sees 22x22 pixels.

    channels: of the image; condition: of what it was made from. Any size from 8 pixels a side on.
    """

    def __init__(self, channels: int, condition: int, base: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            spectrally_normalized(layer)
            for layer in (
                nn.Conv2d(channels + condition, base, 4, stride=2, padding=1),
                nn.Conv2d(base, 2 * base, 4, stride=2, padding=1),
                nn.Conv2d(2 * base, 2 * base, 3, padding=1),
                nn.Conv2d(2 * base, 1, 1),
            )
        )

    def forward(self, images: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] and conditions (N, K, H, W) -> logits (N, places)."""
        x = torch.cat([images, condition], 1)
        *inner, last = self.layers
        for layer in inner:
            x = F.leaky_relu(layer(x), SLOPE)
        logits: torch.Tensor = last(x).flatten(1)
        return logits


class NormalizedPatchDiscriminator(nn.Module):
    """The same places, weights free, features normalized in groups (Wu and He 2018): quicker to learn what is wrong.

    For a game whose generator begins far from what is wanted, where a discriminator of norm 1 says too little.
    """

    def __init__(self, channels: int, condition: int, base: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            (
                nn.Conv2d(channels + condition, base, 4, stride=2, padding=1),
                nn.Conv2d(base, 2 * base, 4, stride=2, padding=1),
                nn.Conv2d(2 * base, 2 * base, 3, padding=1),
                nn.Conv2d(2 * base, 1, 1),
            )
        )
        self.norms = nn.ModuleList((nn.Identity(), nn.GroupNorm(4, 2 * base), nn.GroupNorm(4, 2 * base)))

    def forward(self, images: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] and conditions (N, K, H, W) -> logits (N, places)."""
        x = torch.cat([images, condition], 1)
        *inner, last = self.layers
        for layer, norm in zip(inner, self.norms, strict=True):
            x = F.leaky_relu(norm(layer(x)), SLOPE)
        logits: torch.Tensor = last(x).flatten(1)
        return logits
