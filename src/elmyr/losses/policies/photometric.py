"""Other light: brightness and contrast, and of color images saturation and hue.

Howard 2013, "Some Improvements on Deep Convolutional Neural Network Based Image Classification".
"""

from __future__ import annotations

import math

import torch

from elmyr.core import machine, seeds


def photometric(
    images: torch.Tensor,
    random: seeds.Random,
    *,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.05,
) -> torch.Tensor:
    """Each image in other light, by its own amounts; images (N, C, H, W) stay in [-1, 1].

    brightness is added or taken, where images span 2; contrast and saturation are 1 - the amount to 1 + it as strong;
    hue is turned by up to this share of the circle of colors, either way. The last two are of images of 3 channels.
    """
    draws = 2 * seeds.uniform((4, len(images)), random, axis=1) - 1
    lighter, harder, richer, turned = machine.to_device(draws.view(4, -1, 1, 1, 1), images.device).to(images.dtype)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * (1 + harder * contrast)
    if images.shape[1] == 3:
        gray = images.mean(1, keepdim=True)
        images = gray + _turned(images - gray, turned * (2 * math.pi * hue)) * (1 + richer * saturation)
    lit: torch.Tensor = images + lighter * brightness
    return lit.clamp(-1, 1)


def _turned(color: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Colors (N, 3, H, W) without their gray, turned about the axis of grays by an angle (N, 1, 1, 1)."""
    red, green, blue = torch.split(color, 1, 1)
    aside = torch.cat([blue - green, red - blue, green - red], 1) / math.sqrt(3)
    return torch.cos(angle) * color + torch.sin(angle) * aside
