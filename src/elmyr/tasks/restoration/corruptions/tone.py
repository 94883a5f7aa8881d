"""Lost contrast, and what JPEG loses."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from elmyr.core import machine
from elmyr.tasks.restoration.corruptions.kinds import Applied, CorruptionKind

BLOCK = 8
# How coarsely JPEG rounds each frequency at quality 50: of lightness and of color (the standard's annex K).
LIGHTNESS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
COLOR = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def _contrast(images: torch.Tensor, lost: float, random: torch.Generator) -> Applied:
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (1 - lost) * (images - mean), None


def _jpeg(images: torch.Tensor, quality: float, random: torch.Generator) -> Applied:
    """The arithmetic of JPEG without its bytes, colors not subsampled: on the device, all images at once."""
    channels, (height, width) = images.shape[1], images.shape[2:]
    mix = machine.to_device(torch.tensor(TO_YCC, dtype=images.dtype), images.device)
    planes = (255 * images).round()
    if channels == 3:
        planes = torch.einsum("ij,njhw->nihw", mix, planes)
    shift = machine.to_device(torch.tensor([128.0, 0, 0][:channels]), images.device).view(-1, 1, 1)
    planes = F.pad(planes.round() - shift, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    blocks = planes.unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK)  # (N, C, rows, columns, 8, 8)
    cosines = machine.to_device(_cosines(), images.device).to(images.dtype)
    steps = machine.to_device(_steps(quality, channels), images.device).to(images.dtype)
    rounded = (cosines @ blocks @ cosines.T / steps).round() * steps
    back = (cosines.T @ rounded @ cosines).transpose(3, 4).reshape(planes.shape)[:, :, :height, :width] + shift
    if channels == 3:
        back = torch.einsum("ij,njhw->nihw", mix.inverse(), back.round())
    return back.round() / 255, None


def _cosines() -> torch.Tensor:
    """The matrix of the 8-point cosine transform, orthogonal."""
    rows, places = torch.arange(BLOCK).view(-1, 1), torch.arange(BLOCK)
    matrix = 0.5 * torch.cos((2 * places + 1) * rows * torch.pi / (2 * BLOCK))
    matrix[0] /= 2**0.5
    return matrix


def _steps(quality: float, channels: int) -> torch.Tensor:
    """The rounding of each frequency (C, 1, 1, 8, 8), by the formula that libjpeg made the custom."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    tables = torch.tensor([LIGHTNESS, COLOR, COLOR][:channels], dtype=torch.float32)
    return ((tables * int(scale) + 50) / 100).floor().clamp(1, 255).view(channels, 1, 1, BLOCK, BLOCK)


TONE = {
    "contrast": CorruptionKind(
        _contrast, "contrast lost", "share that is lost", 0.0, 0.99, usual=0.6, trained=(0.1, 0.9)
    ),
    "jpeg": CorruptionKind(_jpeg, "saved as JPEG", "quality", 1, 100, usual=10, trained=(3, 40), whole=True),
}
