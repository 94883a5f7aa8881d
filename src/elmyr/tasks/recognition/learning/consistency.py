"""Consistency: an image changed much is to be read as it is read when changed little.

FixMatch (Sohn et al. 2020), with the pseudo-labels' frequencies pulled to those of the classes (ReMixMatch, Berthelot
et al. 2020). The threshold may rise with how sure the network is, class by class (FreeMatch, Wang et al. 2023). No GAN
takes part.
"""

from __future__ import annotations

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional as F

from elmyr.core import machine, seeds
from elmyr.engine.processes import ALONE, Processes
from elmyr.losses.policies.affine import random_affine

MEMORY = 0.99  # of the pseudo-labels' frequencies and of how sure they are, an update


class ConsistencyConfig(BaseModel):
    """How much unlabeled images count by what they are read as, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weight: float = Field(0.0, ge=0, description="of the unlabeled images' loss; 0 leaves it out")
    threshold: float = Field(0.95, gt=0, lt=1, description="the probability from which on an image has a pseudo-label")
    alignment: bool = Field(True, description="whether all classes are held to be equally frequent")
    rising: bool = Field(
        False,
        description="whether the threshold is low at first and rises to that, with how sure the network is, and lower "
        "for a class that it predicts less often",
    )
    soft: bool = Field(False, description="whether a pseudo-label is all probabilities instead of the likeliest class")


def changed_little(images: torch.Tensor, random: seeds.Random) -> torch.Tensor:
    """Images (N, C, H, W) moved as no reader would notice."""
    return random_affine(images, random, rotation=8, scale=0.08, shear=0.08, shift=0.06)


def changed_much(images: torch.Tensor, random: seeds.Random) -> torch.Tensor:
    """Images (N, C, H, W) moved as far as a reader still follows; no flips, which make other digits of digits."""
    return random_affine(images, random, rotation=25, scale=0.2, shear=0.3, shift=0.12)


class Consistency(nn.Module):
    """Pseudo-labels and the loss by them.

    Its state is how often each class was predicted, for the alignment, and with a threshold that rises how sure.
    """

    frequencies: torch.Tensor
    sureness: torch.Tensor

    def __init__(self, config: ConsistencyConfig, classes: int, processes: Processes = ALONE) -> None:
        super().__init__()
        self.config, self.processes = config, processes
        self.register_buffer("frequencies", torch.full((classes,), 1 / classes))
        if config.rising:
            self.register_buffer("sureness", torch.tensor(1 / classes))

    @torch.no_grad()
    def pseudo_labels(self, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, K) of little changed images -> their labels, and whether each is sure enough (N,).

        Labels are int64 (N,), or soft ones (N, K).
        """
        probabilities = machine.full_precision(logits).softmax(1)
        if self.config.alignment or self.config.rising:
            self._note("frequencies", probabilities.mean(0))
        if self.config.alignment:
            probabilities = probabilities / (self.frequencies * len(self.frequencies))
            probabilities = probabilities / probabilities.sum(1, keepdim=True)
        surest, labels = probabilities.max(1)
        if self.config.rising:
            self._note("sureness", surest.mean())
        return probabilities if self.config.soft else labels, surest >= self.thresholds()[labels]

    def thresholds(self) -> torch.Tensor:
        """The probability from which on an image has a pseudo-label of each class (K,)."""
        highest = torch.full_like(self.frequencies, self.config.threshold)
        if not self.config.rising:
            return highest
        return (self.sureness * self.frequencies / self.frequencies.max()).minimum(highest)

    def loss(self, logits: torch.Tensor, labels: torch.Tensor, sure: torch.Tensor) -> torch.Tensor:
        """Cross-entropy (N,) of much changed images' logits (N, K); 0 where the label is not sure."""
        return self.config.weight * F.cross_entropy(logits, labels, reduction="none") * sure

    def _note(self, kept: str, now: torch.Tensor) -> None:
        getattr(self, kept).lerp_(self.processes.mean(now), 1 - MEMORY)
