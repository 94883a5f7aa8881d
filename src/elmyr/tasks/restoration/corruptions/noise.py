"""Noise of cameras and of faulty pixels."""

from __future__ import annotations

import torch

from elmyr.core import machine
from elmyr.tasks.restoration.corruptions.kinds import Applied, CorruptionKind


def _gaussian(images: torch.Tensor, deviation: float, random: torch.Generator) -> Applied:
    noise = machine.to_device(torch.randn(images.shape, generator=random), images.device)
    return images + deviation * noise, None


def _poisson(images: torch.Tensor, photons: float, random: torch.Generator) -> Applied:
    counts = torch.poisson(images.cpu() * photons, generator=random)  # whose generator is the CPU's
    return machine.to_device(counts / photons, images.device), None


def _salt(images: torch.Tensor, share: float, random: torch.Generator) -> Applied:
    draw = machine.to_device(torch.rand(len(images), 1, *images.shape[2:], generator=random), images.device)
    return torch.where(draw < share, (draw < share / 2).to(images.dtype), images), None


NOISE = {
    "noise": CorruptionKind(
        _gaussian, "Gaussian noise", "standard deviation, of 1", 0.0, 2.0, usual=0.3, trained=(0.02, 0.6), share=2
    ),
    "poisson": CorruptionKind(
        _poisson, "too little light: Poisson noise", "photons of a white pixel", 0.5, 10_000, usual=8, trained=(1.5, 30)
    ),
    "salt": CorruptionKind(
        _salt, "salt and pepper: pixels white or black", "share", 0.0, 1.0, usual=0.1, trained=(0.01, 0.4)
    ),
}
