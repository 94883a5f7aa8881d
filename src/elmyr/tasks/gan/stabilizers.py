"""What keeps the two networks in balance: noise on what the discriminator sees, clipping, letting it rest."""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

ACCURACY_HALF_LIFE = 2_000  # images


class StabilizerConfig(BaseModel):
    """The remedies of the first years; 0 leaves one out, and of `freeze_above` 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    instance_noise: float = Field(0.0, ge=0, description="sd of noise on all images that the discriminator sees")
    noise_images: int = Field(100_000, ge=1, description="images seen over which that noise fades to nothing")
    clip_gradients: float = Field(0.0, ge=0, description="largest norm of each network's gradient")
    clip_weights: float = Field(0.0, ge=0, description="largest weight of the discriminator (Arjovsky et al. 2017)")
    freeze_above: float = Field(
        1.0, gt=0.5, le=1, description="accuracy above which the discriminator rests and the generator trains alone"
    )
    freeze_after: int = Field(0, ge=0, description="images seen from which the discriminator rests")


class Freeze(nn.Module):
    """Whether the discriminator rests: for good once so many images are seen, or while it is too accurate.

    The accuracy is the share of logits on the right side of 0, averaged over the last thousands of images; while the
    discriminator rests, the generator's progress brings it down again, and the discriminator trains on.
    """

    accuracy: torch.Tensor

    def __init__(self, config: StabilizerConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("accuracy", torch.tensor(0.5, dtype=torch.float64))

    def rests(self, position: int) -> bool:
        """Whether the discriminator rests at this update. Waits for the device, where it depends on the accuracy."""
        if self.config.freeze_after and position >= self.config.freeze_after:
            return True
        return self.watches and float(self.accuracy) > self.config.freeze_above

    @property
    def watches(self) -> bool:
        """Whether the discriminator rests by its accuracy."""
        return self.config.freeze_above < 1

    @torch.no_grad()
    def note(self, real_logits: torch.Tensor, fake_logits: torch.Tensor) -> None:
        """Takes the logits of a batch into the average."""
        if not self.watches:
            return
        right = ((real_logits > 0).double().mean() + (fake_logits < 0).double().mean()) / 2
        self.accuracy.lerp_(right, 1 - 0.5 ** (len(real_logits) / ACCURACY_HALF_LIFE))


def faded_noise(config: StabilizerConfig, position: int) -> float:
    """The sd of the instance noise after so many images: falling in a line to 0."""
    return config.instance_noise * max(0.0, 1 - position / config.noise_images)


@torch.no_grad()
def clip_weights(net: nn.Module, largest: float) -> None:
    """Each weight to within plus and minus the largest."""
    for parameter in net.parameters():
        parameter.clamp_(-largest, largest)
