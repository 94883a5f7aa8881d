"""What the discriminator sees of an image: augmented, with noise, or as it is."""

from __future__ import annotations

from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from elmyr.core import machine, seeds
from elmyr.losses.augment import AdaptiveStrength, Augmentation, AugmentationConfig
from elmyr.tasks.gan.stabilizers import StabilizerConfig, faded_noise

Looker = Literal["discriminator", "generator", "real"]


class ViewConfig(AugmentationConfig):
    """How images are augmented, real and generated alike, before the discriminator sees them."""

    adaptive: bool = Field(False, description="the probability begins there and follows the discriminator (ADA)")
    target: float = Field(0.6, gt=0, lt=1, description="the mean sign of real logits that it keeps to")
    ramp: int = Field(500_000, ge=1, description="images seen in which it could go from 0 to 1")


def within_range(images: torch.Tensor) -> torch.Tensor:
    """Generated images (N, C, H, W) clamped to [-1, 1], as they will be sampled: real ones are never outside.

    Where a pixel is outside, a gradient passes only if following it leads back inside: it neither drifts away nor dies.
    """
    return _WithinRange.apply(images)  # type: ignore[no-untyped-call,no-any-return]  # torch's own


class _WithinRange(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(images)
        return images.clamp(-1, 1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (images,) = ctx.saved_tensors
        leads_away = ((images > 1) & (gradient < 0)) | ((images < -1) & (gradient > 0))
        return gradient.masked_fill(leads_away, 0)


class View(nn.Module):
    """The images as the discriminator sees them: a function of the seed, the position and the reader.

    `random` draws for the images at hand by stream and position.
    """

    def __init__(self, config: ViewConfig, stabilizers: StabilizerConfig, *, random: seeds.RandomOf) -> None:
        super().__init__()
        self.config, self.stabilizers, self.random = config, stabilizers, random
        self.augmentation = Augmentation(config)
        self.adaptive = AdaptiveStrength(config.target, config.ramp) if config.adaptive else None
        if self.adaptive is not None:
            self.adaptive.strength.fill_(config.probability)

    def forward(self, images: torch.Tensor, position: int, of: Looker = "discriminator") -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H, W), differentiable; the same tensor where nothing is asked for."""
        if self.adaptive is not None or self.config.probability > 0:
            strength = self.config.probability if self.adaptive is None else self.adaptive.strength
            images = self.augmentation(images, self.random(f"augmentation, {of}", position), strength)
        sd = faded_noise(self.stabilizers, position)
        if sd:
            noise = seeds.normal(images.shape, self.random(f"instance noise, {of}", position))
            images = images + sd * machine.to_device(noise, images.device).to(images.dtype)
        return images

    def changed(self, images: torch.Tensor, position: int) -> torch.Tensor:
        """Every image augmented in every way, for the consistency penalty."""
        return self.augmentation(images, self.random("augmentation, consistency", position), 1.0)

    def adapt(self, real_logits: torch.Tensor) -> None:
        """Moves the adaptive strength by what the discriminator says of real images."""
        if self.adaptive is not None:
            self.adaptive.update(real_logits, len(real_logits))

    def scalars(self) -> dict[str, torch.Tensor]:
        """The strength, where it moves."""
        return {} if self.adaptive is None else {"augmentation": self.adaptive.strength.clone()}
