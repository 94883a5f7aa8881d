"""Differentiable augmentation of image batches, without a Python loop over samples."""

import math

import torch
from torch.nn import functional as F


def random_affine(
    images: torch.Tensor,
    generator: torch.Generator,
    *,
    rotation: float = 10.0,
    scale: float = 0.1,
    shear: float = 0.1,
    shift: float = 0.08,
) -> torch.Tensor:
    """Each image turned, scaled, sheared and shifted by its own random amounts (bilinear, borders repeated).

    images: (N, C, H, W); rotation in degrees, scale and shear as shares, shift as a share of the side: each amount is
    uniform within plus and minus the given one, so zeros are the identity. No flips: they make other digits of digits.
    """
    n = len(images)
    turn, grow, slant, right, down = (2 * torch.rand(5, n, generator=generator) - 1).unbind()
    angle = turn * math.radians(rotation)
    zoom = 1 + grow * scale
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    # Rows of the map from output to input coordinates, which run over [-1, 1].
    rows = [cos, slant * shear - sin, right * 2 * shift, sin, cos, down * 2 * shift]
    theta = torch.stack(rows, 1).view(n, 2, 3).to(images.device, images.dtype)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
