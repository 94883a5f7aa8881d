"""The loss of labeled images: cross-entropy, by what each class counts or by how often it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F


@dataclass(frozen=True)
class LabeledLoss:
    """Cross-entropy of a batch. weights: of an image by its class (K,). offsets: added to the logits (K,).

    The logs of the classes' shares as offsets are logit adjustment (Menon et al. 2021; as balanced softmax, Ren et al.
    2020): what the training adds for frequent classes, the logits without it lack when they predict.
    """

    weights: torch.Tensor | None = None
    offsets: torch.Tensor | None = None

    @classmethod
    def of(cls, weights: NDArray[np.float64] | None, offsets: NDArray[np.float64] | None, device: torch.device) -> Self:
        """On a device; None where there are none."""
        given = (None if each is None else torch.from_numpy(each).float().to(device) for each in (weights, offsets))
        return cls(*given)

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The mean, by logits (N, K) and targets (N,), or probabilities (N, K) as a teacher gives them.

        With weights an image counts by that of its label (N,), whatever else is in the batch; of labels (N, K), how
        much of each class an image shows, each by its own.
        """
        logits = logits if self.offsets is None else logits + self.offsets
        if self.weights is None:
            return F.cross_entropy(logits, targets)
        if targets is labels and labels.dim() == 2:
            return F.cross_entropy(logits, labels * self.weights)
        counted = self.weights[labels] if labels.dim() == 1 else labels @ self.weights.to(labels.dtype)
        return (counted * F.cross_entropy(logits, targets, reduction="none")).mean()


PLAIN = LabeledLoss()  # all classes alike
