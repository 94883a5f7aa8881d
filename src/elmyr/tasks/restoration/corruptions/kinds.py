"""What a kind of damage is: a function of images, a severity and random numbers, and what its severity may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from elmyr.core import machine
from elmyr.core.errors import InputError

Applied = tuple[torch.Tensor, torch.Tensor | None]
# Images float (N, C, H, W) in [0, 1], the severity, and a CPU generator -> images of the same shape, and where the kind
# hides pixels which they are: bool (N, 1, H, W).
Apply = Callable[[torch.Tensor, float, torch.Generator], Applied]


@dataclass(frozen=True)
class CorruptionKind:
    """One kind of damage.

    severity: what the number means. least, most: what it may be; usual: what it is where none is given. trained: the
    range that a restorer of any damage sees, as shares of the image's smaller side where `in_pixels`. share: how often
    it sees it, against the other kinds.
    """

    apply: Apply
    about: str
    severity: str
    least: float
    most: float
    usual: float
    trained: tuple[float, float]
    whole: bool = False
    in_pixels: bool = False
    hides: bool = False
    share: float = 1.0

    def trained_range(self, side: int) -> tuple[float, float]:
        """The severities of training for images whose smaller side this is."""
        scale = side if self.in_pixels else 1
        low, high = (min(max(each * scale, self.least), self.most) for each in self.trained)
        return (max(1, round(low)), max(1, round(high))) if self.whole else (low, high)


def require_inside(name: str, severity: float, images: torch.Tensor) -> None:
    """InputError where so many pixels are not less than the image's smaller side."""
    side = min(images.shape[2:])
    if severity >= side:
        raise InputError(f"{name}:{severity:g} on images whose smaller side is {side} pixels: choose less than {side}")


def uniform(count: int, random: torch.Generator, device: torch.device) -> torch.Tensor:
    """(count, 1, 1, 1), uniform in [0, 1): a number an image."""
    return machine.to_device(torch.rand(count, 1, 1, 1, generator=random), device)


def places(length: int, images: torch.Tensor, axis: int) -> torch.Tensor:
    """The numbers of rows (axis 2) or columns (axis 3), shaped to stand beside images."""
    shape = [1, 1, 1, 1]
    shape[axis] = length
    return torch.arange(length, device=images.device).view(shape)
