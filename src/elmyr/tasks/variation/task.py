"""The game about variations: one update of the discriminator of groups, and one of the generator."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from elmyr.core import machine, seeds
from elmyr.engine.optimization.ema import average_decay, update_average
from elmyr.engine.optimization.optimizers import Adam
from elmyr.engine.optimization.step import step
from elmyr.engine.task import Batch, Scalars
from elmyr.losses.objectives import objective_of
from elmyr.losses.penalties import squared_gradient_norm
from elmyr.nets import VariationGenerator
from elmyr.nets.pairs.residual import ResidualConfig, ResidualDiscriminator
from elmyr.tasks.gan.augmented_view import within_range
from elmyr.tasks.gan.model import to_unit
from elmyr.tasks.variation.groups import TOGETHER
from elmyr.tasks.variation.variator import VariatorConfig

# The default preset's game, whose recipe holds for groups as it does for images.
OBJECTIVE, LEARNING_RATE, BETAS, LARGEST_NORM = "relativistic-pairing", 5e-4, (0.0, 0.99), 5.0
R1_AND_R2, EVERY = 3.0, 4
AVERAGE_HALF_LIFE, AVERAGE_RAMP = 44_000, 0.05


class VariationTask:
    """Trains a generator of variations; what is used afterwards is the moving average of its weights.

    The discriminator sees an image beside others of its class, and the same image beside variations of it.
    """

    remedy = "learn from more images, or for a shorter time"

    def __init__(self, config: VariatorConfig, *, batch: int, seed: int, device: torch.device, precision: str) -> None:
        self.config, self.batch, self.seed, self.device, self.precision = config, batch, seed, device, precision
        self.objective = objective_of(OBJECTIVE)
        groups = config.shape._replace(channels=(1 + TOGETHER) * config.channels)
        with seeds.initialization(seed, "variation"):
            self.generator = VariationGenerator(config.shape, config.network)
            self.discriminator = ResidualDiscriminator(groups, 0, ResidualConfig(**config.network.model_dump()))
        for net in (self.generator, self.discriminator):
            net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # typed for tensors
        self.average = deepcopy(self.generator).requires_grad_(False).eval()
        self.modules: dict[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: Adam(self.modules[name].parameters(), lr=LEARNING_RATE, betas=BETAS, fused=True)
            for name in ("generator", "discriminator")
        }

    def update(self, batch: Batch, position: int) -> Scalars:
        """A step of the discriminator on groups, real and varied, and one of the generator."""
        real = to_unit(batch.images).contiguous(memory_format=torch.channels_last)
        fake = self._varied(real[:, : self.config.channels], position)
        scalars, real_logits = self._step_discriminator(real, fake.detach(), position)
        self.discriminator.requires_grad_(False)
        loss = self.objective.generator(real_logits, self._logits(fake)).mean()
        norm = step(self.optimizers["generator"], [loss], clip=LARGEST_NORM)
        self.discriminator.requires_grad_(True)
        decay = average_decay(position, len(batch), half_life=AVERAGE_HALF_LIFE, ramp=AVERAGE_RAMP)
        update_average(self.average, self.generator, decay)
        return scalars | {"generator_loss": loss.detach(), "generator_gradient_norm": norm}

    def _varied(self, images: torch.Tensor, position: int) -> torch.Tensor:
        """Groups of images and their variations: (N, C, H, W) -> (N, 3 C, H, W)."""
        random = seeds.generator(self.seed, "latents", position)
        latents = torch.randn(TOGETHER * len(images), self.config.network.latent, generator=random)
        with machine.autocast(self.device, self.precision):
            made = self.generator(images.repeat(TOGETHER, 1, 1, 1), machine.to_device(latents, self.device))
        return torch.cat([images, *within_range(machine.full_precision(made)).chunk(TOGETHER)], 1)

    def _step_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, position: int
    ) -> tuple[Scalars, torch.Tensor]:
        penalized = position // self.batch % EVERY == 0
        groups = torch.cat([real, fake]).requires_grad_(penalized)
        logits = self._logits(groups)
        real_logits, fake_logits = logits.chunk(2)
        loss = self.objective.discriminator(real_logits, fake_logits).mean()
        penalty = logits.new_zeros(())
        if penalized:
            penalty = EVERY * R1_AND_R2 * squared_gradient_norm(logits, groups).mean()  # of both halves: 1/2 of each
        norm = step(self.optimizers["discriminator"], [loss + penalty], clip=LARGEST_NORM)
        told = {"discriminator_loss": loss.detach(), "discriminator_gradient_norm": norm}
        return told, real_logits.detach()

    def _logits(self, groups: torch.Tensor) -> torch.Tensor:
        with machine.autocast(self.device, self.precision):
            logits = self.discriminator(groups, None)
        return machine.full_precision(logits)

    def preview(self, position: int) -> None:
        """Nothing is shown of it on the way."""
