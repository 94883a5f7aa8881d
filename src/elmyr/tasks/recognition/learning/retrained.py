"""Classifier retraining: features are learned from images as they come, the last layer anew from balanced classes.

Kang et al. 2020, "Decoupling representation and classifier for long-tailed recognition" (cRT). Where asked, features of
small classes are drawn beside those of their images.
"""

from __future__ import annotations

from typing import Any

import torch

from elmyr.core import seeds
from elmyr.engine.optimization.optimizers import AdamW
from elmyr.engine.task import Batch
from elmyr.images import ImageSet
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.learning.drawn_features import DrawnFeatures
from elmyr.tasks.recognition.learning.labeled_loss import LabeledLoss
from elmyr.tasks.recognition.learning.task import RecognizerTask

LAST_LAYER = "last layer"
FASTER = 5  # the last layer's learning rate: by then the schedule is most of the way down


class RetrainedTask(RecognizerTask):
    """Trains a classifier; from the position `start` on its last layer alone, anew, on the averaged features.

    again: the loss of the second stage, whose batches have all classes alike. drawn: the share of the features of small
    classes that are drawn then, by the features of all `labeled` images.
    """

    def __init__(
        self,
        net: StridedClassifier,
        *,
        start: int,
        again: LabeledLoss,
        labeled: ImageSet,
        drawn: float,
        **of_recognizer: Any,
    ) -> None:
        super().__init__(net, **of_recognizer)
        self.start, self.losses = start, (self.labeled_loss, again)
        self.labeled, self.drawn = labeled, drawn
        self._drawn: DrawnFeatures | None = None
        rate = FASTER * self.optimizers["recognizer"].defaults["lr"]
        self.optimizers[LAST_LAYER] = AdamW(self.net.logits.parameters(), lr=rate, weight_decay=0.0, fused=True)

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """One step on one batch, of all weights or of the last layer's."""
        again = position >= self.start
        if position - len(batch) < self.start <= position:
            self._begin_again()
        self.net.requires_grad_(not again)
        self.net.logits.requires_grad_(True)
        self.stepped, self.labeled_loss = (LAST_LAYER if again else "recognizer"), self.losses[again]
        return super().update(batch, position)

    def _logits(self, images: torch.Tensor, labels: torch.Tensor, position: int, part: seeds.Side) -> torch.Tensor:
        if position < self.start or not self.drawn:
            return super()._logits(images, labels, position, part)
        if self._drawn is None:  # also where a training goes on: its features are those of the second stage's start
            self._drawn = DrawnFeatures.of(self.net, self.labeled, self.net.logits.out_features)
        random = seeds.for_part(self.seed, "drawn features", position, part)
        features = self._drawn.among(self.net.features(images), labels, self.drawn, random)
        logits: torch.Tensor = self.net.logits(features)
        return logits

    def _begin_again(self) -> None:
        """The averaged features, and a last layer with the random weights of the seed."""
        self.net.load_state_dict(self.average.state_dict())
        with seeds.initialization(self.seed, LAST_LAYER):
            self.net.logits.reset_parameters()
        self.average.logits.load_state_dict(self.net.logits.state_dict())
        self.optimizers[LAST_LAYER].state.clear()
        self._drawn = None
