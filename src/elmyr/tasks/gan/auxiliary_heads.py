"""What else the discriminator is asked, and how much its answers count: ACGAN's class, InfoGAN's code."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from elmyr.core.errors import InputError
from elmyr.engine.task import Scalars
from elmyr.losses.auxiliary import classification_loss, information_loss
from elmyr.tasks.gan.model import GANConfig


class AuxiliaryConfig(BaseModel):
    """How much each addition to the objective counts; 0 leaves it out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    classification: float = Field(0.0, ge=0, description="the class, predicted by the discriminator (ACGAN: 1)")
    information: float = Field(0.0, ge=0, description="the latent's code, predicted by the discriminator (InfoGAN: 1)")


class Questions(nn.Module):
    """A linear layer on the discriminator's features for each question; trained with the discriminator.

    Raises InputError for a question without an answer: a class without classes, a code that the latent lacks; and for
    what nobody would teach: a code that is not read, classes that the discriminator neither sees nor reads.
    """

    def __init__(self, config: AuxiliaryConfig, gan: GANConfig, *, width: int) -> None:
        super().__init__()
        self.config, self.code = config, gan.code
        _check(config, gan, width)
        self.classes = nn.Linear(width, len(gan.classes)) if config.classification else None
        self.categories = nn.Linear(width, gan.code.categories) if gan.code.categories else None
        self.values = nn.Linear(width, gan.code.values) if gan.code.values else None

    def loss(
        self, features: torch.Tensor, labels: torch.Tensor | None, latents: torch.Tensor, *, of_class: float = 1.0
    ) -> tuple[torch.Tensor, Scalars]:
        """The loss of images by their features: (N, width) of generated ones, or (2N, width) of real ones before them.

        labels (N,) are those of both, latents (at least N, latent) those of the generated ones, which alone have a
        code. of_class: how much the class counts, 0 to 1; the code always counts.
        """
        total, scalars = features.new_zeros(()), Scalars()
        if self.classes is not None and labels is not None:
            loss = classification_loss(self.classes(features), labels.repeat(len(features) // len(labels))).mean()
            total, scalars["classification_loss"] = (
                total + of_class * (self.config.classification * loss),
                loss.detach(),
            )
        if self.config.information:
            generated = features[-len(latents) :]
            categories, values = self.code.parts(latents)
            read = None if self.categories is None else self.categories(generated)
            means = None if self.values is None else self.values(generated)
            loss = information_loss(read, categories, means, values).mean()
            total, scalars["information_loss"] = total + self.config.information * loss, loss.detach()
        return total, scalars


def _check(config: AuxiliaryConfig, gan: GANConfig, width: int) -> None:
    if not width and (config.classification or config.information):
        asked = "classification" if config.classification else "information"
        raise InputError(
            f"network '{gan.network.name}' has a discriminator without features to predict from: "
            f"pass --set auxiliary.{asked}=0"
        )
    if config.classification and not gan.classes:
        raise InputError("auxiliary.classification needs classes: train with labels, or leave it at 0")
    if config.information and not gan.code.entries:
        raise InputError("auxiliary.information needs a code in the latent: set code.categories or code.values")
    if gan.code.entries and not config.information:
        raise InputError(
            "the latent has a code that the discriminator does not predict: set auxiliary.information=1, or code.* to 0"
        )
    if gan.classes and not gan.projection and not config.classification:
        raise InputError("nothing would teach the classes: set auxiliary.classification=1, or leave projection true")
