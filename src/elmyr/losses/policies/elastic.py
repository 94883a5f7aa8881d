"""Elastic deformation: pixels move a little, neighbors nearly alike, as the strokes of a hand do.

Simard, Steinkraus & Platt 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis".
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from elmyr.core import machine, seeds

REACH = 3  # standard deviations that the Gaussian window extends


def elastic(
    images: torch.Tensor, random: seeds.Random, *, amount: float = 0.05, smoothness: float = 1 / 7
) -> torch.Tensor:
    """Each image deformed by a smooth random field of its own (bilinear, borders repeated).

    images: (N, C, H, W). amount: the standard deviation of a pixel's shift, as a share of the side; smoothness: that of
    the Gaussian that the field is smoothed by. The defaults are the paper's strokes on 28x28: 1.4 and 4 pixels.
    """
    n, _, height, width = images.shape
    field = 2 * seeds.uniform((2, n, height, width), random, axis=1) - 1
    across, down = (
        _smoothed(each.unsqueeze(1), smoothness) * 2 * amount for each in machine.to_device(field, images.device)
    )
    still = torch.eye(2, 3, device=images.device, dtype=images.dtype).expand(n, 2, 3)
    grid = F.affine_grid(still, list(images.shape), align_corners=False)
    grid = grid + torch.cat([across, down], 1).permute(0, 2, 3, 1).to(images.dtype)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _smoothed(noise: torch.Tensor, smoothness: float) -> torch.Tensor:
    """Uniform noise (N, 1, H, W) in [-1, 1) smoothed, of standard deviation 1 away from the borders."""
    height, width = noise.shape[-2:]
    rows, columns = (_window(side * smoothness, noise) for side in (height, width))
    noise = F.conv2d(noise, rows.view(1, 1, -1, 1), padding=(len(rows) // 2, 0))
    noise = F.conv2d(noise, columns.view(1, 1, 1, -1), padding=(0, len(columns) // 2))
    left = (rows.square().sum() * columns.square().sum() / 3).sqrt()
    return noise / left


def _window(deviation: float, like: torch.Tensor) -> torch.Tensor:
    reach = max(1, round(REACH * deviation))
    places = torch.arange(-reach, reach + 1, device=like.device, dtype=like.dtype)
    window = torch.exp(-0.5 * (places / deviation).square())
    return window / window.sum()
