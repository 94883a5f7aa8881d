"""The plain GAN's task: one update of a generator and a discriminator, on one screen."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from elmyr import machine, seeds
from elmyr.errors import InputError, suggestion
from elmyr.gan import GAN, GANConfig, to_unit
from elmyr.images import image_grid
from elmyr.objectives import OBJECTIVES
from elmyr.penalties import squared_gradient_norm
from elmyr.training.ema import average_decay, update_average
from elmyr.training.task import Batch

PREVIEW_ROWS = 10
PREVIEW_COLUMNS = 10


class AdversarialConfig(BaseModel):
    """How the two networks are set against each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    objective: str = "relativistic-pairing"
    gamma: float = Field(1.0, ge=0, description="strength of R1 and R2; 0 leaves them out")
    penalty_every: int = Field(4, ge=1, description="R1 and R2 at every k-th update, k times as strong")
    learning_rate: float = Field(5e-4, gt=0)
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    ema_half_life: int = Field(44_000, ge=1, description="half-life of the generator's average, in images")
    ema_ramp: float = Field(0.05, gt=0, description="the half-life is at most this share of the images seen")


class AdversarialTask:
    """Trains a generator against a discriminator; what is exported is the generator's moving average."""

    def __init__(
        self,
        gan: GANConfig,
        config: AdversarialConfig,
        *,
        batch: int,
        seed: int,
        device: torch.device,
        precision: str,
        trained: dict[str, Any] | None = None,
    ) -> None:
        if config.objective not in OBJECTIVES:
            raise InputError(f"no objective '{config.objective}': {suggestion(config.objective, OBJECTIVES)}")
        self.gan, self.config, self.batch, self.seed = gan, config, batch, seed
        self.device, self.precision, self.trained = device, precision, trained or {}
        self.objective = OBJECTIVES[config.objective]()
        with seeds.initialization(seed, "networks"):
            self.generator, self.discriminator = (net.to(device) for net in gan.build())
        self.average = deepcopy(self.generator).requires_grad_(False)
        self.modules = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
        }
        self.optimizers = {
            "generator": self._optimizer(self.generator),
            "discriminator": self._optimizer(self.discriminator),
        }

    def _optimizer(self, net: nn.Module) -> torch.optim.Optimizer:
        betas = self.config.beta1, self.config.beta2
        return torch.optim.Adam(net.parameters(), lr=self.config.learning_rate, betas=betas, fused=True)

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """The discriminator's step and then the generator's, on the same latents; then the average."""
        real, labels = to_unit(batch.images), batch.labels if self.gan.classes else None
        fake = self._generate(self._latents(len(batch), position), labels)
        scalars = self._step_discriminator(real, fake.detach(), labels, position)
        scalars |= self._step_generator(real, fake, labels)
        update_average(self.average, self.generator, self._average_decay(position, len(batch)))
        return scalars

    def _step_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None, position: int
    ) -> dict[str, torch.Tensor]:
        penalized = self.config.gamma > 0 and (position // self.batch) % self.config.penalty_every == 0
        images = torch.cat([real, fake]).requires_grad_(penalized)
        logits = self._discriminate(images, None if labels is None else labels.repeat(2))
        real_logits, fake_logits = logits.chunk(2)
        loss = self.objective.discriminator(real_logits, fake_logits).mean()
        scalars = {
            "discriminator_loss": loss.detach(),
            "real_logits": real_logits.detach().mean(),
            "fake_logits": fake_logits.detach().mean(),
        }
        if penalized:
            # R1 + R2: the mean over the real half plus that over the generated half, twice the joint mean.
            norms = 2 * squared_gradient_norm(logits, images).mean()
            loss = loss + self.config.penalty_every * self.config.gamma / 2 * norms
            scalars["gradient_norms"] = norms.detach()
        self._apply("discriminator", loss)
        return scalars

    def _step_generator(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> dict[str, torch.Tensor]:
        self.discriminator.requires_grad_(False)
        fake_logits = self._discriminate(fake, labels)
        real_logits = self._discriminate(real, labels) if self.objective.needs_real_for_generator else fake_logits
        loss = self.objective.generator(real_logits, fake_logits).mean()
        self._apply("generator", loss)
        self.discriminator.requires_grad_(True)
        return {"generator_loss": loss.detach()}

    def _apply(self, name: str, loss: torch.Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own lacks annotations
        self.optimizers[name].step()

    def _generate(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        with machine.autocast(self.device, self.precision):
            images: torch.Tensor = self.generator(latents, labels)
        return images.float()

    def _discriminate(self, images: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        with machine.autocast(self.device, self.precision):
            logits: torch.Tensor = self.discriminator(images, labels)
        return logits.float()

    def _latents(self, n: int, position: int) -> torch.Tensor:
        generator = seeds.generator(self.seed, "latents", position)
        return torch.randn(n, self.gan.network.latent, generator=generator).to(self.device)

    def _average_decay(self, position: int, images: int) -> float:
        return average_decay(position, images, half_life=self.config.ema_half_life, ramp=self.config.ema_ramp)

    def result(self, position: int) -> GAN:
        """The GAN as it stands after `position` images seen, on copies of the networks."""
        return GAN(
            self.gan,
            deepcopy(self.average),
            deepcopy(self.discriminator),
            trained=self.trained | {"images": position},
            device=str(self.device),
            precision=self.precision,
        )

    def preview(self, position: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Samples of fixed latents: a row a class (of the first ten), or ten rows without classes."""
        classes = max(len(self.gan.classes), 1)
        stride = classes * -(-PREVIEW_ROWS // classes)  # a whole number of turns, so that a row stays with its class
        samples = self.result(position).sample(PREVIEW_COLUMNS * stride, seed=self.seed)
        order = [row + stride * column for row in range(PREVIEW_ROWS) for column in range(PREVIEW_COLUMNS)]
        return image_grid(samples.images[order], columns=PREVIEW_COLUMNS)

    def export(self, folder: Path, position: int) -> None:
        """The model folder that `GAN.load` opens."""
        self.result(position).save(folder)
