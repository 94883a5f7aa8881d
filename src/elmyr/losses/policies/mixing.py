"""Mixing of pairs: an image in part another one, and labeled in part as it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from elmyr.core.tables import Table

NONE = "none"
DRAWS = 4  # uniform numbers an image
CUT_SHARE = 0.5  # of the images that are mixed at all, as the authors of CutMix have it on CIFAR

Pairs = tuple[torch.Tensor, torch.Tensor]  # images (N, C, H, W), and how much of each is its own, (N, 1, 1, 1)
Mixing = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Pairs]


def mixup(images: torch.Tensor, others: torch.Tensor, draws: torch.Tensor) -> Pairs:
    """Weighted means of two images, by any weight (mixup, Zhang, Cisse, Dauphin & Lopez-Paz 2018, at alpha = 1).

    images, others: (N, C, H, W); draws: uniform (4, N, 1, 1, 1).
    """
    own = draws[0]
    return own * images + (1 - own) * others, own


def cutmix(images: torch.Tensor, others: torch.Tensor, draws: torch.Tensor) -> Pairs:
    """A window of any size into another image, in half of the images (CutMix, Yun et al. 2019, at alpha = 1).

    images, others: (N, C, H, W); draws: uniform (4, N, 1, 1, 1). What is its own is counted in whole pixels.
    """
    height, width = images.shape[-2:]
    half = (1 - draws[0]).sqrt() / 2  # of the window's side, as a share of the image's
    rows = (torch.arange(height, device=images.device).view(-1, 1) + 0.5) / height
    columns = (torch.arange(width, device=images.device) + 0.5) / width
    inside = ((rows - draws[1]).abs() < half) & ((columns - draws[2]).abs() < half) & (draws[3] < CUT_SHARE)
    own = 1 - inside.to(images.dtype).mean((2, 3), keepdim=True)
    return torch.where(inside, others, images), own


MIXINGS: Table[Mixing] = Table("mixing of images", {"mixup": mixup, "cutmix": cutmix}, reserved=(NONE,))
