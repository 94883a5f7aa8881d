"""What adversarial training is done by."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from elmyr.core.errors import InputError
from elmyr.tasks.recognition.attacks.epsilons import number_of, usual


class RobustConfig(BaseModel):
    """How much an image may be changed, by what attack it is, and what is learned from that.

    Lengths are shares of the range of a pixel: 1 takes black to white.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epsilon: float | None = Field(
        None,
        gt=0,
        le=1,
        description="the most that a pixel is changed by; None: 0.3 for gray images of up to 28x28, 8/255 for others",
    )
    loss: Literal["pgd", "trades"] = Field(
        "pgd",
        description="pgd: of the changed images alone (Madry et al. 2018); trades: of the images as they are, and how "
        "far predictions for the changed ones are from theirs (Zhang et al. 2019)",
    )
    weight: float = Field(6.0, gt=0, description="of that distance, for trades")
    steps: int = Field(7, ge=1, description="of the attack in an update")
    step: float | None = Field(None, gt=0, le=1, description="the length of one; None: 2.5 epsilon / steps")
    rising: float = Field(0.1, ge=0, lt=1, description="the share of the updates in which epsilon rises from 0")
    judged_steps: int = Field(20, ge=1, description="of the attack that weights are chosen and measured by")

    @field_validator("epsilon", mode="before")
    @classmethod
    def _a_number(cls, value: Any) -> Any:
        if isinstance(value, bool):  # which would be 1, the whole range
            raise ValueError("it is a number, such as 0.3")
        return value

    def of_images(self, shape: tuple[int, int, int]) -> RobustConfig:
        """With an epsilon: where none is given that for images (H, W, C)."""
        if self.epsilon is not None:
            return self
        return self.model_copy(update={"epsilon": usual("Linf", shape)})

    @property
    def most(self) -> float:
        """Its epsilon, once that is known."""
        assert self.epsilon is not None
        return self.epsilon

    def epsilon_at(self, update: int, updates: int) -> float:
        """By how much a pixel is changed in an update, of so many: it rises evenly, since a network that is attacked in
        full from the first update on may learn nothing at all."""
        rising = self.rising * updates
        return self.most if update >= rising else self.most * (update + 1) / (rising + 1)


def epsilon_of(text: str, option: str = "--robust") -> float:
    """`0.3` or `8/255` as a number; InputError for what is none, or is not above 0 and at most 1."""
    return required(number_of(text, option, "the most that a pixel may change, as 0.3 or 8/255"), option)


def required(epsilon: float, option: str = "--robust") -> float:
    """The epsilon itself; InputError where it is no number, or not above 0 and at most 1."""
    if isinstance(epsilon, bool) or not isinstance(epsilon, Real):
        raise InputError(
            f"{option} is {epsilon!r:.40}: it is a number, the most that a pixel may change, such as 0.3 or 8/255"
        )
    if not 0 < epsilon <= 1:
        raise InputError(
            f"{option} is {epsilon:g}: it is the most that a pixel may change, above 0 and at most 1 (from black "
            "to white)"
        )
    return epsilon
