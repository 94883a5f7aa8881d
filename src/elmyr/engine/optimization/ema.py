"""Exponential moving average of weights."""

import torch
from torch import nn


def average_decay(position: int, images: int, *, half_life: int, ramp: float) -> float:
    """The decay of one update on `images` images after `position` images seen.

    Counted in images, so that it means the same for every batch size; the half-life is at most `ramp` times the images
    seen, so that the average soon forgets the random start (Karras et al. 2020).
    """
    half_life_now = min(float(half_life), ramp * (position + images))
    return float(0.5 ** (images / half_life_now))


@torch.no_grad()
def update_average(average: nn.Module, source: nn.Module, decay: float) -> None:
    """Moves the average's weights towards the source's by 1 - decay; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(source.parameters()), 1 - decay)
    for kept, current in zip(average.buffers(), source.buffers(), strict=True):
        kept.copy_(current)
