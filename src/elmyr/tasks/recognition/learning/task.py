"""The recognizer's task for the loop: cross-entropy, with a moving average of the weights."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import nn

from elmyr.core import machine, seeds
from elmyr.engine.optimization.ema import average_decay, update_average
from elmyr.engine.optimization.optimizers import AdamW
from elmyr.engine.optimization.step import step
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.task import Batch
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.learning.augmenting import Augmenting
from elmyr.tasks.recognition.learning.labeled_loss import PLAIN, LabeledLoss

AVERAGE_HALF_LIFE = 20_000  # images
AVERAGE_RAMP = 0.05


Teacher = Callable[[torch.Tensor], torch.Tensor]  # images (N, C, H, W) in [-1, 1] to probabilities (N, K)


class RecognizerTask:
    """Trains a classifier; what is used afterwards is `average`, the moving average of its weights."""

    remedy = "train again with a lower learning_rate"
    stepped = "recognizer"  # the optimizer of an update
    layout = torch.channels_last  # of images

    def __init__(
        self,
        net: StridedClassifier,
        *,
        learning_rate: float,
        weight_decay: float,
        augment: Augmenting,
        seed: int,
        device: torch.device,
        precision: str,
        labeled_loss: LabeledLoss = PLAIN,
        teacher: Teacher | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.net = net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # typed for tensors
        self.average = deepcopy(self.net).requires_grad_(False).eval()
        self.augment, self.seed, self.device, self.precision = augment, seed, device, precision
        self.labeled_loss, self.teacher, self.processes = labeled_loss, teacher, processes
        self.modules: dict[str, nn.Module] = {"recognizer": self.net, "average": self.average}
        adam = AdamW(self.net.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
        self.optimizers: dict[str, torch.optim.Optimizer] = {"recognizer": adam}

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """One step on one batch, augmented and mixed where asked; of many processes each takes its share.

        With a teacher it learns the probabilities that it gives for the same images (Hinton, Vinyals & Dean 2015).
        """
        share, classes = self.processes.share(len(batch)), self.net.logits.out_features
        images, labels = self.augment.shown(batch, share, seed=self.seed, position=position, classes=classes)
        images = images.contiguous(memory_format=self.layout)
        loss = self._loss(images, labels, position, (share, len(batch)))
        norm = step(self.optimizers[self.stepped], [loss], processes=self.processes)
        self._average(position, len(batch))
        return {"loss": loss.detach(), "gradient_norm": norm}

    def _loss(self, images: torch.Tensor, labels: torch.Tensor, position: int, part: seeds.Side) -> torch.Tensor:
        with machine.autocast(self.device, self.precision):
            logits = self._logits(images, labels, position, part)
            targets = self._targets(images, labels)
        return self.labeled_loss(machine.full_precision(logits), targets, labels)

    def _targets(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return labels if self.teacher is None else self.teacher(images)

    def _logits(self, images: torch.Tensor, labels: torch.Tensor, position: int, part: seeds.Side) -> torch.Tensor:
        logits: torch.Tensor = self.net(images)
        return logits

    def _average(self, position: int, images: int) -> None:
        decay = average_decay(position, images, half_life=AVERAGE_HALF_LIFE, ramp=AVERAGE_RAMP)
        update_average(self.average, self.net, decay)

    def preview(self, position: int) -> None:
        """A recognizer has no picture."""
