"""The choices of a translator: its method, its networks and its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from elmyr.core.errors import InputError, suggestion
from elmyr.engine.config import validated
from elmyr.nets import NormalizedPatchDiscriminator, TranslatorNet

Width = Annotated[int, Field(ge=1, le=4096)]  # channels
A_TO_B, B_TO_A = "a-to-b", "b-to-a"
DIRECTIONS = (A_TO_B, B_TO_A)


class TranslatorChoices(BaseModel):
    """What a translator is and how it learns; the defaults are those of benchmarks/translation.py."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: str = Field("cycle", description="cycle or contrastive (unpaired), or paired")
    back: bool = Field(True, description="whether it learns the way back as well; a cycle always does")
    widths: tuple[Width, ...] = Field((24, 48), min_length=1, max_length=6, description="channels of each level")
    bottom: int = Field(2, ge=1, le=32, description="residual blocks of the last level")
    styled: bool = Field(False, description="whether images are laid over textures of the target domain first")
    discriminator_base: int = Field(32, ge=1, le=4096, description="channels of a discriminator's first convolution")
    batch: int = Field(32, ge=1, description="images of each kind an update")
    learning_rate: float = Field(2e-3, gt=0)
    discriminator_learning_rate: float = Field(7e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    objective: str = Field("least-squares", description="the game")
    adversarial: float = Field(1.0, ge=0, description="weight of the adversarial loss; 0 for none")
    pixels: float = Field(50.0, ge=0, description="of the absolute difference from the pair")
    cycle: float = Field(1.0, ge=0, description="of the absolute difference after the way there and back")
    identity: float = Field(0.0, ge=0, description="of the change of images that are in the target domain already")
    contrast: float = Field(1.0, ge=0, description="of telling a place's features from those of other places")
    label: float = Field(1.0, ge=0, description="of the class that a recognizer predicts afterwards")
    decay_from: float = Field(0.4, ge=0, le=1, description="share of the budget after which learning rates fall")
    average_half_life: int = Field(10_000, ge=1, description="of the weights' moving average, in images")

    def translator(self, channels: int) -> TranslatorNet:
        """A new network with random weights."""
        return TranslatorNet(channels, self.widths, self.bottom)

    def discriminator(self, channels: int, condition: int) -> NormalizedPatchDiscriminator:
        """A new discriminator, which sees an image, beside what it was made from where that has channels."""
        return NormalizedPatchDiscriminator(channels, condition, self.discriminator_base)


def choices_of(settings: Mapping[str, Any]) -> TranslatorChoices:
    """The choices with settings by their names in the place of the defaults; InputError for a wrong one."""
    known = TranslatorChoices.model_fields
    unknown = next((name for name in settings if name not in known), None)
    if unknown is not None:
        raise InputError(f"a translator has no setting '{unknown}': {suggestion(unknown, known)}")
    choices = validated(TranslatorChoices, "translator", **settings)
    if choices.styled and choices.method != "contrastive":
        raise InputError(
            f"nothing brings a texture back, or pairs it: styled goes with contrastive, not {choices.method}"
        )
    return choices
