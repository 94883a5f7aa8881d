"""Lost sharpness: out of focus, in motion, of few pixels."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from elmyr.core import machine
from elmyr.tasks.restoration.corruptions.kinds import Applied, CorruptionKind, require_inside

SIGMAS = 3  # a Gaussian is cut off there


def _gaussian(images: torch.Tensor, sigma: float, random: torch.Generator) -> Applied:
    reach = max(1, math.ceil(SIGMAS * sigma))
    across = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(across**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    wide = F.conv2d(F.pad(images, (reach, reach, 0, 0), mode="replicate"), kernel, groups=images.shape[1])
    padded = F.pad(wide, (0, 0, reach, reach), mode="replicate")
    return F.conv2d(padded, kernel.transpose(2, 3), groups=images.shape[1]), None


def _motion(images: torch.Tensor, length: float, random: torch.Generator) -> Applied:
    """Along a line at an angle of the image's own."""
    require_inside("motion", length, images)
    n, channels = images.shape[:2]
    angles = math.pi * torch.rand(n, generator=random)
    reach = int(length) // 2
    along = torch.linspace(-(length - 1) / 2, (length - 1) / 2, 2 * int(length) - 1).view(1, -1, 1, 1)
    cells = torch.arange(-reach, reach + 1)
    near_column = (1 - (along * angles.cos().view(-1, 1, 1, 1) - cells).abs()).clamp(min=0)
    near_row = (1 - (along * angles.sin().view(-1, 1, 1, 1) - cells.view(-1, 1)).abs()).clamp(min=0)
    kernels = (near_row * near_column).sum(1)
    kernels = (kernels / kernels.sum((1, 2), keepdim=True)).repeat_interleave(channels, 0).unsqueeze(1)
    padded = F.pad(images, (reach,) * 4, mode="replicate").flatten(0, 1).unsqueeze(0)
    blurred = F.conv2d(padded, machine.to_device(kernels, images.device).to(images.dtype), groups=n * channels)
    return blurred.view(images.shape), None


def _lowres(images: torch.Tensor, factor: float, random: torch.Generator) -> Applied:
    require_inside("lowres", factor, images)
    size, by = images.shape[2:], int(factor)
    whole = F.pad(images, (0, -size[1] % by, 0, -size[0] % by), mode="replicate")
    large = F.avg_pool2d(whole, by).repeat_interleave(by, 2).repeat_interleave(by, 3)
    return large[:, :, : size[0], : size[1]], None


BLUR = {
    "blur": CorruptionKind(
        _gaussian,
        "out of focus: Gaussian blur",
        "standard deviation in pixels",
        0.1,
        100,
        1.5,
        (0.02, 0.08),
        in_pixels=True,
    ),
    "motion": CorruptionKind(
        _motion,
        "motion blur, at any angle",
        "length in pixels",
        1,
        999,
        usual=5,
        trained=(0.1, 0.36),
        whole=True,
        in_pixels=True,
        share=2,
    ),
    "lowres": CorruptionKind(
        _lowres,
        "few pixels: squares of one color",
        "pixels a side",
        1,
        64,
        usual=2,
        trained=(2, 4),
        whole=True,
        share=2,
    ),
}
