"""Random noise as large as an attack's changes: what a change must beat to be called an attack."""

from __future__ import annotations

import torch

from elmyr.tasks.recognition.attacks.balls import BALLS, Norm
from elmyr.tasks.recognition.attacks.seam import Model


@torch.no_grad()
def noise(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Images (N, C, H, W) with noise of size ε, drawn up to `steps` times until they are misread."""
    ball, images = BALLS.named(norm), images.detach()
    noisy = images.clone()
    left = torch.arange(len(images), device=images.device)
    for _ in range(steps):
        if not len(left):
            break
        shown = images[left]
        noisy[left] = ball.project(shown + epsilon * ball.outermost(shown, generator), shown, epsilon)
        left = left[model(noisy[left]).argmax(1) == labels[left]]
    return noisy
