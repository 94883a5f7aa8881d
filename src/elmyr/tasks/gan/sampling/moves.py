"""Latents changed before images are made of them: by amounts of a run's directions, or by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from elmyr.core.errors import InputError

if TYPE_CHECKING:
    from elmyr.tasks.gan.model import GAN

Changes = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]  # latents (N, latent), labels (N,) -> latents
Move = Mapping[str, float] | Changes | None


def changes_of(gan: GAN, move: Move) -> Changes:
    """What changes the latents; InputError for amounts of directions that this GAN has not."""
    if move is None:
        return lambda latents, labels: latents
    if callable(move):
        return move
    from elmyr.tasks.gan.directions import Directions  # which are found with a GAN

    if gan.path is None:
        raise InputError(
            "a checkpoint, or a GAN in memory, keeps no directions: take the finished run, or in Python "
            "move=find_directions(gan).by({...})"
        )
    return Directions.load(gan.path, gan=gan).by(move)


def amounts_of(words: Sequence[str], option: str = "--move") -> dict[str, float]:
    """`["thickness=1.5"]` as amounts by name; InputError, which names the option, for other words, or one twice."""
    amounts = dict[str, float]()
    for word in words:
        name, equals, value = word.partition("=")
        try:
            amount = float(value.replace("\u2212", "-"))
        except ValueError:
            equals, amount = "", 0.0
        if not (name and equals):
            raise InputError(f"{option} {word} is no amount of a direction: write it as thickness=1.5")
        if name in amounts:
            raise InputError(f"{option} {name} is given twice: add the amounts up")
        amounts[name] = amount
    return amounts
