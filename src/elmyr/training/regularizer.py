"""The penalties of a game: each as strong as its config says, those of gradients lazily at every k-th update."""

from __future__ import annotations

from collections.abc import Callable

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from elmyr import seeds
from elmyr.penalties import (
    Discriminate,
    LogitAverages,
    consistency,
    dragan,
    gradient_penalty,
    lecam,
    squared_gradient_norm,
    weight_norms,
)
from elmyr.training.task import Scalars

OfAll = Callable[[torch.Tensor], torch.Tensor]


class PenaltyConfig(BaseModel):
    """How strong each penalty is; 0 leaves it out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    r1: float = Field(0.0, ge=0, description="half the squared gradients at real images (Mescheder et al. 2018)")
    r2: float = Field(0.0, ge=0, description="half the squared gradients at generated images")
    wgan_gp: float = Field(0.0, ge=0, description="gradients of norm 1 between both (Gulrajani et al. 2017: 10)")
    dragan: float = Field(0.0, ge=0, description="gradients of norm 1 around real images (Kodali et al. 2017: 10)")
    consistency: float = Field(0.0, ge=0, description="the same logit for an augmented image (Zhao et al. 2020: 10)")
    lecam: float = Field(0.0, ge=0, description="logits near the averages of the other side (Tseng et al. 2021: 0.3)")
    weight_l1: float = Field(0.0, ge=0, description="the sizes of the discriminator's weights")
    weight_l2: float = Field(0.0, ge=0, description="their squares")
    every: int = Field(4, ge=1, description="those of gradients at every k-th update, k times as strong")


class Regularizer(nn.Module):
    """The penalties of a discriminator's step. Its state is the averages of LeCam.

    `random` draws for the images at hand by stream and position; `of_all` gives the logits of all processes.
    """

    def __init__(self, config: PenaltyConfig, *, batch: int, random: seeds.RandomOf, of_all: OfAll) -> None:
        super().__init__()
        self.config, self.batch, self.random, self.of_all = config, batch, random, of_all
        self.averages = LogitAverages() if config.lecam else None

    def needs_gradient(self, position: int) -> bool:
        """Whether the discriminated images must require gradients at this update."""
        return self._due(position) and self.config.r1 + self.config.r2 > 0

    def of_logits(self, images: torch.Tensor, logits: torch.Tensor, position: int) -> tuple[torch.Tensor, Scalars]:
        """What follows from the logits (2N,) of real and then generated images (2N, C, H, W): R1, R2 and LeCam."""
        config, total, scalars = self.config, logits.new_zeros(()), dict[str, torch.Tensor]()
        if self.needs_gradient(position):
            at_real, at_fake = squared_gradient_norm(logits, images).chunk(2)
            total = total + config.every / 2 * (config.r1 * at_real.mean() + config.r2 * at_fake.mean())
            scalars["gradient_norms"] = (at_real.mean() + at_fake.mean()).detach()
        if self.averages is not None:
            real, fake = logits.chunk(2)
            self.averages.update(self.of_all(real), self.of_all(fake))
            total = total + config.lecam * lecam(real, fake, self.averages.real, self.averages.fake).mean()
        return total, scalars

    def of_images(
        self,
        net: nn.Module,
        discriminate: Discriminate,
        real: torch.Tensor,
        fake: torch.Tensor,
        changed: Callable[[torch.Tensor], torch.Tensor],
        position: int,
    ) -> torch.Tensor:
        """What needs other images to be looked at, or the weights; `changed` gives another view of images."""
        config, total = self.config, real.new_zeros(())
        random = self.random("penalties", position)
        if self._due(position) and config.wgan_gp:
            total = total + config.every * config.wgan_gp * gradient_penalty(discriminate, real, fake, random).mean()
        if self._due(position) and config.dragan:
            total = total + config.every * config.dragan * dragan(discriminate, real, random).mean()
        if config.consistency:
            for images in (real, fake):
                apart = consistency(discriminate(images), discriminate(changed(images)))
                total = total + config.consistency * apart.mean()
        for strength, power in ((config.weight_l1, 1), (config.weight_l2, 2)):
            if strength:
                total = total + strength * weight_norms(net, power)
        return total

    def _due(self, position: int) -> bool:
        return (position // self.batch) % self.config.every == 0
