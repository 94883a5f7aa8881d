"""A recognizer that is a discriminator as well: its K classes, and generated as one more outcome.

Salimans et al. 2016, "Improved Techniques for Training GANs": the logit of "real" is the log of the summed exponentials
of the class logits, and the generator is taught to match the mean features of real images. Such a generator makes
images between the classes as much as inside them, and the recognizer learns where its borders may not run (Dai et al.
2017).
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn import functional as F

from elmyr.engine.processes import ALONE, Processes


class GameConfig(BaseModel):
    """How much the game counts beside the labels, and its generator."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weight: float = Field(0.0, ge=0, description="weight of the discriminator's loss; 0 switches the GAN off")
    images: int = Field(64, ge=2, description="generated images an update")
    base: int = Field(16, ge=1, description="channels of the generator's widest level")
    latent: int = Field(64, ge=1, description="entries of the latent vector")
    learning_rate: float = Field(2e-3, gt=0, description="the generator's")


def realness(logits: torch.Tensor) -> torch.Tensor:
    """Class logits (N, K) -> the logit of "real" (N,)."""
    return logits.logsumexp(1)


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """-log of the probability of the right outcome, real or generated, of class logits (N, K) and (M, K): a mean."""
    return F.softplus(-realness(real)).mean() + F.softplus(realness(fake)).mean()


def matching_loss(real: torch.Tensor, fake: torch.Tensor, processes: Processes = ALONE) -> torch.Tensor:
    """The squared distance of the mean features (N, D) of real images from those of generated ones (M, D), of all."""
    return processes.mean(real.mean(0) - fake.mean(0)).square().sum()
