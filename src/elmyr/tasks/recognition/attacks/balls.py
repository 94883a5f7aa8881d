"""The geometry of attacks: the images about an image that are allowed, steps of a length, random places to begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from elmyr.core.tables import Table

Norm = Literal["Linf", "L2"]
TINY = 1e-12  # beside a norm that may be 0


@dataclass(frozen=True)
class Ball:
    """How a norm measures changes of images float (N, C, H, W). about: what it says, for tables.

    size: of each change (N, 1, 1, 1). step: the change of size 1 that a gradient gains most by. clip: changes cut down
    to a size. within, outermost: random changes of at most, or of exactly, size 1, by a CPU generator.
    """

    about: str
    size: Callable[[torch.Tensor], torch.Tensor]
    step: Callable[[torch.Tensor], torch.Tensor]
    clip: Callable[[torch.Tensor, float], torch.Tensor]
    within: Callable[[torch.Tensor, torch.Generator], torch.Tensor]
    outermost: Callable[[torch.Tensor, torch.Generator], torch.Tensor]

    def project(self, changed: torch.Tensor, images: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Changed images brought back: each within `epsilon` of its image, its values in [0, 1].

        To cut values off at 0 and 1 takes them nearer to the image, so that both hold.
        """
        return (images + self.clip(changed - images, epsilon)).clamp(0, 1)


def _per_image(values: torch.Tensor) -> torch.Tensor:
    return values.view(-1, 1, 1, 1)


def _largest(changes: torch.Tensor) -> torch.Tensor:
    return _per_image(changes.abs().flatten(1).amax(1))


def _length(changes: torch.Tensor) -> torch.Tensor:
    return _per_image(changes.flatten(1).norm(dim=1))


def _of_length_one(changes: torch.Tensor) -> torch.Tensor:
    return changes / (_length(changes) + TINY)


def _shortened(changes: torch.Tensor, epsilon: float) -> torch.Tensor:
    return changes * (epsilon / (_length(changes) + TINY)).clamp(max=1)


def _uniform(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    return 2 * torch.rand(images.shape, generator=random).to(images.device, images.dtype) - 1


def _normal(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    return torch.randn(images.shape, generator=random).to(images.device, images.dtype)


def _in_sphere(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Uniform in the sphere: the share of its volume within a radius grows with the dimension's power of it."""
    share = torch.rand(len(images), generator=random).to(images.device, images.dtype)
    return _of_length_one(_normal(images, random)) * _per_image(share ** (1 / images[0].numel()))


BALLS: Table[Ball] = Table(
    "norm",
    {
        "Linf": Ball(
            about="no value changes by more than ε",
            size=_largest,
            step=torch.sign,
            clip=lambda changes, epsilon: changes.clamp(-epsilon, epsilon),
            within=_uniform,
            outermost=lambda images, random: _uniform(images, random).sign(),
        ),
        "L2": Ball(
            about="the root of the summed squares of all changes is at most ε",
            size=_length,
            step=_of_length_one,
            clip=_shortened,
            within=_in_sphere,
            outermost=lambda images, random: _of_length_one(_normal(images, random)),
        ),
    },
)
