"""Images laid over the textures of others: what nothing in an image tells of another kind is taken from examples.

An example's details are scattered by random phases, as one randomizes an image for a control (Oppenheim & Lim 1981;
exchanged between kinds of image by Yang & Soatto 2020): its colors, light and grain stay, its shapes do not.
"""

from __future__ import annotations

import torch

from elmyr.core import machine, seeds

COARSE = 2.3  # waves a side up to which the layout of an example stays where it is, in images of 28 pixels or more
STRONGEST = 0.8  # of the details, as they are scattered
STRENGTHS = (0.2, 1.4)  # of the laid-over image, as a multiple of it, light or dark
COLOR = 0.6  # how far each channel's multiple is from that


def over_textures(images: torch.Tensor, examples: torch.Tensor, random: seeds.Random) -> torch.Tensor:
    """Each image over the texture of its example, in a random color, lighter or darker than what it lies on.

    images, examples: (N, C, H, W) in [-1, 1], and so are the results. Where an image has its own median color, as most
    of a drawing has, the texture is seen.
    """
    n, channels = images.shape[:2]
    grounds = textures(examples, random)
    draws = seeds.uniform((2 + channels, n), random, axis=1)
    weakest, strongest = STRENGTHS
    sign = torch.where(draws[0] < 0.5, -1.0, 1.0)
    strength = sign * (weakest + (strongest - weakest) * draws[1])
    gains = strength[:, None] + COLOR * (2 * draws[2:].T - 1)
    levels = images.flatten(2).sort(2).values  # in place of `median`, which is not the same twice on a GPU
    ink = images - levels[:, :, (levels.shape[2] - 1) // 2, None, None]
    return (grounds + _beside(gains[:, :, None, None], images) * ink / 2).clamp(-1, 1)


def textures(examples: torch.Tensor, random: seeds.Random) -> torch.Tensor:
    """Images (N, C, H, W) in [-1, 1] with their details scattered, and weakened by random strengths, each its own."""
    n, _, height, width = examples.shape
    phases = torch.fft.rfft2(_beside(seeds.normal((n, 1, height, width), random), examples))
    strength = STRONGEST * _beside(seeds.uniform((n,), random), examples)
    scattering = strength[:, None, None, None] * phases / phases.abs().clamp_min(1e-6)
    waves = torch.hypot(torch.fft.fftfreq(height, 1 / height)[:, None], torch.fft.rfftfreq(width, 1 / width))
    kept = machine.to_device(waves <= min(COARSE, min(height, width) / 12), examples.device)
    spectrum = torch.fft.rfft2(examples)
    scattered: torch.Tensor = torch.fft.irfft2(torch.where(kept, spectrum, spectrum * scattering), s=(height, width))
    return scattered.clamp(-1, 1)


def _beside(drawn: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """What was drawn on the CPU, where the images are and in their type."""
    return machine.to_device(drawn, images.device).to(images.dtype)
