"""Two stages: what generated images teach first, then the real ones.

Either the labels of generated images, and the real ones at a lower learning rate (bridged transfer, Li et al. 2024, "Is
Synthetic Image Useful for Transfer Learning? An Investigation into Data Generation, Volume, and Utilization"): what
generated images have wrong is unlearned, what they have more of stays. Or what a GAN's discriminator sees in images,
which takes no labels (Radford et al. 2016 read classes off its features; foretold by another network as the hints of
FitNets are, Romero et al. 2015).
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional as F

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.engine.optimization.step import step
from elmyr.engine.task import Batch
from elmyr.nets import StridedClassifier
from elmyr.tasks.gan.model import GAN, to_unit
from elmyr.tasks.recognition.learning.labeled_loss import LabeledLoss
from elmyr.tasks.recognition.learning.task import RecognizerTask


class StagesConfig(BaseModel):
    """What the first stage teaches, how long it is, and how much is learned in the second."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    teaches: Literal["labels", "features"] = Field(
        "labels", description="labels of generated images, or the discriminator's features of all images"
    )
    first: float = Field(0.5, gt=0, lt=1, description="share of the updates that the first stage has")
    rate: float = Field(0.1, gt=0, le=1, description="factor of the learning rate in the second stage")

    def start(self, updates: int, batch: int) -> int:
        """The position (images seen) from which the second stage is."""
        return round(self.first * updates) * batch


class TwoStageTask(RecognizerTask):
    """Trains a classifier; from the position `start` on at `rate` times the learning rate.

    first: the loss of labels before it, where classes are as frequent as among generated images.
    """

    def __init__(
        self, net: StridedClassifier, *, start: int, rate: float, first: LabeledLoss, **of_recognizer: Any
    ) -> None:
        super().__init__(net, **of_recognizer)
        self.start, self.rate, self.losses = start, rate, (first, self.labeled_loss)

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """One step; the loop has set the learning rate before it."""
        self.labeled_loss = self.losses[position >= self.start]
        if position >= self.start:
            for group in self.optimizers["recognizer"].param_groups:
                group["lr"] *= self.rate
        return super().update(batch, position)


class FeatureStartTask(TwoStageTask):
    """Up to `start` the features foretell those of a GAN's discriminator, by a linear layer, and labels do not count.

    Raises InputError for a GAN whose discriminator has no features.
    """

    def __init__(self, net: StridedClassifier, *, gan: GAN, **of_recognizer: Any) -> None:
        super().__init__(net, **of_recognizer)
        width = int(getattr(gan.discriminator, "width", 0))
        if not width:
            raise InputError("the GAN's discriminator has no features to begin with: train another preset")
        self.discriminator: Any = deepcopy(gan.discriminator).to(self.device).requires_grad_(False).eval()
        with seeds.initialization(self.seed, "foretold features"):
            self.foretelling = nn.Linear(self.net.dense.out_features, width).to(self.device)
        self.modules["foretelling"] = self.foretelling
        self.optimizers["recognizer"].add_param_group({"params": list(self.foretelling.parameters())})

    def update(self, batch: Batch, position: int) -> dict[str, torch.Tensor]:
        """One step; in the first stage by the squared distance from the discriminator's features, normalized."""
        if position >= self.start:
            return super().update(batch, position)
        share = self.processes.share(len(batch))
        images = to_unit(batch.part(share).images).contiguous(memory_format=torch.channels_last)
        with machine.autocast(self.device, self.precision):
            foretold = self.foretelling(self.net.features(images))
            with torch.no_grad():
                seen = self.discriminator.features(images)
        seen = machine.full_precision(seen)
        loss = F.mse_loss(machine.full_precision(foretold), F.layer_norm(seen, seen.shape[1:]))
        norm = step(self.optimizers["recognizer"], [loss], processes=self.processes)
        self._average(position, len(batch))
        return {"loss": loss.detach(), "gradient_norm": norm}
