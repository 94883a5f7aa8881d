"""Adversarial training: a recognizer learns from images that are changed, within bounds, as misleads it most.

Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks"; Zhang et al. 2019, "Theoretically
Principled Trade-off between Robustness and Accuracy" (TRADES). Generated images beside the real ones: Gowal et al.
2021, "Improving Robustness using Generated Data".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from elmyr.core import machine, seeds
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.attacks.gradient import REACH, ascended
from elmyr.tasks.recognition.learning.task import RecognizerTask
from elmyr.tasks.recognition.robust.config import RobustConfig

Raised = Callable[[torch.Tensor], torch.Tensor]  # logits (N, K) to a sum of losses


class RobustTask(RecognizerTask):
    """Trains a classifier on images that are attacked first, by the weights that it has at that moment.

    Attacks compute in the training's precision; gradients are taken by images alone, so that an attack of n steps costs
    less than n updates.
    """

    def __init__(
        self, net: StridedClassifier, *, robust: RobustConfig, updates: int, batch: int, **of_recognizer: Any
    ) -> None:
        super().__init__(net, **of_recognizer)
        self.robust, self.updates, self.batch = robust, updates, batch
        if self.device.type == "cpu":  # whose normalizations are slow in the other layout
            self.layout = torch.contiguous_format
            self.net.to(memory_format=self.layout)

    def _loss(self, images: torch.Tensor, labels: torch.Tensor, position: int, part: seeds.Side) -> torch.Tensor:
        if self.robust.loss == "pgd":
            return super()._loss(images, labels, position, part)
        with machine.autocast(self.device, self.precision):
            plain = self.net(images)
            targets = self._targets(images, labels)
        plain = machine.full_precision(plain)
        read = plain.detach().softmax(1)
        nearby = self._nearby(images, lambda logits: _distance(logits, read), position, part)
        with machine.autocast(self.device, self.precision):
            changed = self.net(nearby)
        distance = _distance(machine.full_precision(changed), plain.softmax(1)) / len(images)
        return self.labeled_loss(plain, targets, labels) + self.robust.weight * distance

    def _logits(self, images: torch.Tensor, labels: torch.Tensor, position: int, part: seeds.Side) -> torch.Tensor:
        def misread(logits: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(logits, labels, reduction="sum")

        return super()._logits(self._nearby(images, misread, position, part), labels, position, part)

    def _nearby(self, images: torch.Tensor, raised: Raised, position: int, part: seeds.Side) -> torch.Tensor:
        epsilon = self.robust.epsilon_at(position // self.batch, self.updates)
        step = REACH * epsilon / self.robust.steps if self.robust.step is None else self.robust.step

        def gradient(changed: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad(), machine.autocast(self.device, self.precision):
                asked = changed.detach().requires_grad_()
                loss = raised(machine.full_precision(self.net(asked)))
            return torch.autograd.grad(loss, asked)[0]

        random = seeds.for_part(self.seed, "perturbation", position, part)
        begin = 2 * seeds.uniform(images.shape, random).to(images) - 1
        # The networks' range is [-1, 1], twice as wide as that of which epsilon and the step are shares.
        return climbed(images, begin, gradient, epsilon=2 * epsilon, step=2 * step, steps=self.robust.steps)


def climbed(
    images: torch.Tensor,
    begin: torch.Tensor,
    gradient: Callable[[torch.Tensor], torch.Tensor],
    *,
    epsilon: float,
    step: float,
    steps: int,
) -> torch.Tensor:
    """Images (N, C, H, W) in [-1, 1], none of whose values changed by more than epsilon, after steps up a gradient.

    begin: where to, in units of epsilon, they are moved first.
    """
    lowest, highest = (images - epsilon).clamp(min=-1), (images + epsilon).clamp(max=1)

    def within(changed: torch.Tensor) -> torch.Tensor:
        return torch.clamp(changed, lowest, highest)

    return ascended(within(images + epsilon * begin), lambda changed: step * gradient(changed).sign(), within, steps)


def _distance(logits: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
    """The Kullback-Leibler divergence of what is read in changed images from what is read (N, K), summed."""
    return F.kl_div(logits.log_softmax(1), read, reduction="sum")
