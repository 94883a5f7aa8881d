"""Attacks along the gradient of the loss: FGSM (Goodfellow et al. 2015) and PGD (Madry et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

from elmyr.tasks.recognition.attacks.balls import BALLS, Norm
from elmyr.tasks.recognition.attacks.seam import Model

REACH = 2.5  # the steps of PGD together, in units of ε: every place of the ball can be reached from every other
Map = Callable[[torch.Tensor], torch.Tensor]  # images (N, C, H, W) to tensors of that shape


def pgd(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    epsilon: float,
    steps: int,
    step_size: float | None = None,
    restarts: int = 1,
    generator: torch.Generator,
) -> torch.Tensor:
    """Projected gradient ascent on cross-entropy from a random place of the ball: images of the same shape.

    model: images (N, C, H, W) in [0, 1] to logits, in the mode that the caller put it into. labels int64 (N,).
    step_size: 2.5 ε / steps where None. Of several restarts each image gets the one that ends with the greatest loss.
    generator: on the CPU; the same one gives the same images. Gradients are taken with respect to the images alone,
    none is added to any weight, and what comes back asks for none.
    """
    ball, images = BALLS.named(norm), images.detach()
    length = REACH * epsilon / max(1, steps) if step_size is None else step_size
    best, highest = images, torch.full((len(images),), -torch.inf, device=images.device)
    for _ in range(max(1, restarts)):
        changed = ball.project(images + epsilon * ball.within(images, generator), images, epsilon)
        changed = ascended(
            changed,
            lambda now: length * ball.step(gradient_of_loss(model, now, labels)),
            lambda now: ball.project(now, images, epsilon),
            steps,
        )
        if restarts <= 1:
            return changed
        with torch.no_grad():
            losses = F.cross_entropy(model(changed).float(), labels, reduction="none")
        better = losses > highest
        best = torch.where(better.view(-1, 1, 1, 1), changed, best)
        highest = torch.where(better, losses, highest)
    return best


def ascended(images: torch.Tensor, step: Map, project: Map, steps: int) -> torch.Tensor:
    """Images after so many steps, each projected back into its bounds: the loop of PGD, of attacks and of trainings."""
    for _ in range(steps):
        images = project(images + step(images))
    return images


def fgsm(model: Model, images: torch.Tensor, labels: torch.Tensor, *, norm: Norm, epsilon: float) -> torch.Tensor:
    """One step of length ε along the gradient of cross-entropy, from the images themselves; the rest as in `pgd`."""
    ball, images = BALLS.named(norm), images.detach()
    changed = images + epsilon * ball.step(gradient_of_loss(model, images, labels))
    return ball.project(changed, images, epsilon)


def gradient_of_loss(model: Model, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The gradient of each image's cross-entropy with respect to it (N, C, H, W)."""
    with torch.enable_grad():
        asked = images.detach().requires_grad_()
        loss = F.cross_entropy(model(asked).float(), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, asked)
    return gradient
