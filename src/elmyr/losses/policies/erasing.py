"""Random erasing: a rectangle of noise hides a part, so that no single part decides.

Zhong, Zheng, Kang, Li & Yang 2017, "Random Erasing Data Augmentation".
"""

from __future__ import annotations

import math

import torch

from elmyr.core import machine, seeds


def erasing(
    images: torch.Tensor,
    random: seeds.Random,
    *,
    probability: float = 0.5,
    smallest: float = 0.02,
    largest: float = 0.4,
    slimmest: float = 0.3,
) -> torch.Tensor:
    """In about half of the images a rectangle is replaced by uniform noise; the defaults are the paper's.

    images: (N, C, H, W) in [-1, 1]. probability: that an image is erased. smallest, largest: the share of the area that
    goes. slimmest: the least proportion of the sides, which is as often that of height to width as of width to height.
    """
    n, _, height, width = images.shape
    draws = machine.to_device(seeds.uniform((5, n), random, axis=1), images.device)
    noise = 2 * machine.to_device(seeds.uniform(images.shape, random), images.device).to(images.dtype) - 1
    drawn, area, slim, across, down = draws.view(5, n, 1, 1, 1)
    area = (smallest + area * (largest - smallest)) * height * width
    proportion = torch.exp((2 * slim - 1) * -math.log(slimmest))
    tall = (area * proportion).sqrt().round().clamp(1, height)
    wide = (area / proportion).sqrt().round().clamp(1, width)
    top, left = (down * (height - tall + 1)).floor(), (across * (width - wide + 1)).floor()
    rows = torch.arange(height, device=images.device).view(-1, 1)
    columns = torch.arange(width, device=images.device)
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    return torch.where(inside & (drawn < probability), noise, images)
