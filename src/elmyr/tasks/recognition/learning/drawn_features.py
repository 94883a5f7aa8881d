"""Features of small classes, drawn: around a class's own mean, as far as images of large classes like it differ.

A few images tell where a class lies, not how its images differ; that is taken from the large classes (Yin et al. 2019,
"Feature transfer learning for face recognition with under-represented data"; Chu et al. 2020, "Feature space
augmentation for long-tailed data"; Yang et al. 2021, "Free lunch for few-shot learning"). The way of the data:

    labeled images -> their features, which learn no more -> the mean of each class, the covariance of each large one
    -> of a small class: its mean, and the mean covariance of the two large classes whose means are nearest
    -> a share of the features of small classes in a batch give way to normal draws of these
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import machine, seeds
from elmyr.images import ImageSet
from elmyr.metrics.recalls import UNBALANCED
from elmyr.nets import StridedClassifier
from elmyr.tasks.recognition.predicting.inference import features_of

NEAREST = 2  # large classes that lend a small one their spread
LEAST = -0.17  # of the features that the network makes


def large_classes(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which classes (K,) have more than a third of the images of the largest; the others that have some are small."""
    return np.asarray(UNBALANCED * counts > counts.max())


@dataclass(frozen=True, eq=False)
class DrawnFeatures:
    """Of each class: whether it is small (K,), its mean (K, D), and a root of what it is drawn by (K, D, D)."""

    small: torch.Tensor
    means: torch.Tensor
    roots: torch.Tensor

    @classmethod
    def of(cls, net: StridedClassifier, labeled: ImageSet, classes: int) -> Self:
        """By the features that a network makes of labeled images; on its device."""
        features, labels = features_of(net, labeled.images), labeled.require_labels()
        counts = np.bincount(labels, minlength=classes)
        large = np.flatnonzero(large_classes(counts))
        small = (counts > 0) & ~large_classes(counts)
        width = features.shape[1]
        means, roots = np.zeros((classes, width)), np.zeros((classes, width, width))
        for label in np.flatnonzero(counts):
            means[label] = features[labels == label].mean(0)
        spreads = {label: np.cov(features[labels == label].T, bias=True) for label in large}
        for label in np.flatnonzero(small):
            distances = np.linalg.norm(means[large] - means[label], axis=1)
            nearest = large[np.argsort(distances, kind="stable")[:NEAREST]]
            roots[label] = _root(np.mean([spreads[each] for each in nearest], 0))
        device = net.logits.weight.device
        told = (torch.from_numpy(each).float().to(device) for each in (means, roots))
        return cls(torch.from_numpy(small).to(device), *told)

    def among(self, features: torch.Tensor, labels: torch.Tensor, share: float, random: seeds.Random) -> torch.Tensor:
        """Features (N, D) of which a share, of small classes, are drawn anew.

        labels (N,); or (N, K), how much of each class an image shows: one of two classes stays as it is.
        """
        sure = torch.ones(len(labels), dtype=torch.bool, device=labels.device)
        if labels.dim() == 2:
            most, labels = labels.max(1)
            sure = most == 1
        chances = machine.to_device(seeds.uniform((len(features),), random), features.device)
        noise = machine.to_device(seeds.normal(features.shape, random), features.device)
        drawn = self.means[labels] + torch.einsum("nd,ned->ne", noise, self.roots[labels])
        taken = sure & self.small[labels] & (chances < share)
        return torch.where(taken[:, None], drawn.clamp(min=LEAST).to(features.dtype), features)


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """A matrix that makes standard normal vectors have this covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(values.clip(0)))
