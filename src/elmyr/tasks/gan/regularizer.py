"""The penalties of a game: each as strong as its config says, those of gradients lazily at every k-th update."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from elmyr.core.errors import ElmyrError
from elmyr.core.plugins import at_work
from elmyr.losses.penalties import PENALTIES, Judged, Penalty


class PenaltyConfig(BaseModel):
    """How strong each penalty of the table is, by its name; 0 leaves it out."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, Annotated[float, Field(ge=0)]]

    every: int = Field(4, ge=1, description="those of gradients at every k-th update, k times as strong")

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> float: ...

    @model_validator(mode="before")
    @classmethod
    def _strength_of_each(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        left_out = [name for name, value in values.items() if value == 0 and name not in (*PENALTIES, "every")]
        given = {name: value for name, value in values.items() if name not in left_out}  # of a plug-in that is not here
        for name in given.keys() - {"every"}:
            PENALTIES.require(name)
        return dict.fromkeys(PENALTIES, 0.0) | given


class Regularizer(nn.Module):
    """The penalties of a discriminator's step. Its state is what some of them remember."""

    def __init__(self, config: PenaltyConfig, *, batch: int) -> None:
        super().__init__()
        self.config, self.batch = config, batch
        self._remembering: dict[str, Callable[[Judged], torch.Tensor]] = {}
        for name, penalty, _ in self._wanted():
            if isinstance(penalty.value, type):
                self._remembering[name] = module = penalty.value()
                self.add_module(penalty.kept_as or f"state of {name}", module)

    def needs_gradient(self, position: int) -> bool:
        """Whether the discriminated images must require gradients at this update."""
        return any(penalty.needs_gradient for _, penalty, _ in self._due(position))

    def forward(self, judged: Judged, position: int) -> torch.Tensor:
        """The sum of the penalties that are due, 0-d."""
        total = judged.logits.new_zeros(())
        for name, penalty, strength in self._due(position):
            times = self.config.every if penalty.lazy else 1
            take = self._remembering.get(name) or cast(Callable[[Judged], torch.Tensor], penalty.value)
            with at_work("penalty", name):
                value = take(judged)
            if not isinstance(value, torch.Tensor):
                raise ElmyrError(f"penalty '{name}' gives a {type(value).__name__}: it has to give a tensor")
            total = total + times * (strength * value.mean())
        return total

    def _due(self, position: int) -> Iterator[tuple[str, Penalty, float]]:
        turn = (position // self.batch) % self.config.every == 0
        return (wanted for wanted in self._wanted() if turn or not wanted[1].lazy)

    def _wanted(self) -> Iterator[tuple[str, Penalty, float]]:
        given = self.config.__pydantic_extra__  # not by attribute: a penalty may be named as a method of configs
        strengths = ((name, penalty, given[name]) for name, penalty in PENALTIES.items())
        return (wanted for wanted in strengths if wanted[2])
