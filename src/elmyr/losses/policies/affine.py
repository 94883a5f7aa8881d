"""Small turns, scalings, shears and shifts: the classical changes of a recognizer's training images.

They are as old as networks that read images (Simard, Steinkraus & Platt 2003, "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis").
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from elmyr.core import machine, seeds

AMOUNTS = 5  # turn, scale, shear, and a shift either way


def random_affine(
    images: torch.Tensor,
    generator: seeds.Random,
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
    draws = 2 * seeds.uniform((AMOUNTS, len(images)), generator, axis=1) - 1
    return affine(images, draws, rotation=rotation, scale=scale, shear=shear, shift=shift)


def affine(
    images: torch.Tensor, draws: torch.Tensor, *, rotation: float, scale: float, shear: float, shift: float
) -> torch.Tensor:
    """Images (N, C, H, W) moved by shares `draws` (5, N) in [-1, 1] of the given amounts, as in `random_affine`."""
    turn, grow, slant, right, down = draws.unbind()
    angle = turn * math.radians(rotation)
    zoom = 1 + grow * scale
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    # Rows of the map from output to input coordinates, which run over [-1, 1].
    rows = [cos, slant * shear - sin, right * 2 * shift, sin, cos, down * 2 * shift]
    theta = machine.to_device(torch.stack(rows, 1).view(len(images), 2, 3), images.device).to(images.dtype)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
