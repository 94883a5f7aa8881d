"""A few changes of all kinds for each image, drawn anew each time.

After RandAugment (Cubuk, Zoph, Shlens & Le 2020), at one strength; no kind that mirrors.
"""

from __future__ import annotations

import torch

from elmyr.core import seeds
from elmyr.losses.augment import Augmentation, AugmentationConfig

KINDS_AN_IMAGE = 3
STRONG = AugmentationConfig(
    padding="border",
    crop=0.3,
    scale=0.25,
    shear=0.3,
    rotation=30,
    translation=0.15,
    brightness=0.6,
    saturation=0.9,
    contrast=0.6,
    noise=0.15,
    cutout=0.4,
)


def strong(images: torch.Tensor, random: seeds.Random) -> torch.Tensor:
    """Each image (N, C, H, W) changed by three of the kinds of `Augmentation`; it stays in [-1, 1]."""
    return Augmentation(STRONG).by_some(images, random, KINDS_AN_IMAGE).clamp(-1, 1)
