"""Mirroring left and right, for what may stand either way: photographs of most things, no digits and no letters."""

from __future__ import annotations

import torch

from elmyr.core import machine, seeds


def flips(images: torch.Tensor, random: seeds.Random) -> torch.Tensor:
    """Each image (N, C, H, W) mirrored left and right with a chance of one half."""
    mirrored = machine.to_device(seeds.uniform((len(images),), random), images.device) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)
