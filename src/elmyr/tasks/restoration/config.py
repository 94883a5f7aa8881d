"""The choices of a restorer: its networks and its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from elmyr.core.errors import InputError, suggestion
from elmyr.engine.config import validated
from elmyr.nets import PatchDiscriminator, UNet

Width = Annotated[int, Field(ge=1, le=4096)]  # channels
LARGE_SIDE = 48  # pixels, from which a third level pays


class RestorerChoices(BaseModel):
    """What a restorer is and how it learns; the defaults are those of benchmarks/repair.py."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    widths: tuple[Width, ...] | None = Field(None, min_length=2, max_length=6, description="channels of each level")
    bottom: int = Field(3, ge=1, le=32, description="residual blocks of the last level")
    noise: int = Field(16, ge=0, le=1024, description="entries of the noise; 0 for one answer only")
    batch: int = Field(16, ge=1, description="images an update")
    learning_rate: float = Field(1e-3, gt=0)
    discriminator_learning_rate: float = Field(1e-3, gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    adversarial: float = Field(0.02, ge=0, description="weight of the adversarial loss; 0 for none")
    discriminator_base: int = Field(32, ge=1, description="channels of the discriminator's first convolution")
    objective: str = Field("relativistic-pairing", description="the game")
    every: int = Field(6, ge=1, description="at one update in so many there are two answers with noise, and judged")
    told: float = Field(0.5, ge=0, le=1, description="how often the network is told which pixels are hidden")
    decay_from: float = Field(0.3, ge=0, le=1, description="share of the budget after which learning rates fall")
    average_half_life: int = Field(10_000, ge=1, description="of the weights' moving average, in images")

    def level_widths(self, side: int) -> tuple[int, ...]:
        """The channels of each level for images whose smaller side this is."""
        if self.widths is not None:
            return self.widths
        return (24, 48) if side < LARGE_SIDE else (24, 48, 72)

    def generator(self, channels: int, side: int) -> UNet:
        """A new U-Net with random weights."""
        return UNet(channels, self.level_widths(side), self.bottom, self.noise)

    def discriminator(self, channels: int) -> PatchDiscriminator:
        """A new discriminator, which sees an image beside the damaged one and its mask."""
        return PatchDiscriminator(channels, channels + 1, self.discriminator_base)


def choices_of(settings: Mapping[str, Any]) -> RestorerChoices:
    """The choices with settings by their names in the place of the defaults; InputError for a wrong one."""
    unknown = next((name for name in settings if name not in RestorerChoices.model_fields), None)
    if unknown is not None:
        raise InputError(f"a restorer has no setting '{unknown}': {suggestion(unknown, RestorerChoices.model_fields)}")
    return validated(RestorerChoices, "restorer", **settings)
