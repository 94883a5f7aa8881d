"""What a method sees of an update, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from elmyr.nets import TranslatorNet
from elmyr.tasks.translation.config import TranslatorChoices

# A direction and images (N, C, H, W) -> what its network makes of them, within [-1, 1].
Translate = Callable[[str, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Way:
    """One direction of an update: its name and the other's, what it is made of, the wanted kind, what was made."""

    name: str
    back: str
    given: torch.Tensor
    wanted: torch.Tensor
    made: torch.Tensor


class TranslationMethod(nn.Module):
    """How a translator learns: what a made image is held to beside the game. Its parameters learn along."""

    paired = False  # whether an image of A belongs to one of B, which a discriminator then sees beside it
    needs_back = False
    about = ""

    def __init__(self, choices: TranslatorChoices, channels: int) -> None:
        super().__init__()
        self.choices = choices

    def terms(
        self, way: Way, nets: Mapping[str, TranslatorNet], translate: Translate, random: torch.Generator
    ) -> dict[str, torch.Tensor]:
        """The weighted losses of one direction, 0-d each, by name."""
        raise NotImplementedError
