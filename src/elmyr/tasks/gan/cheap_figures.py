"""What a few hundred generated images tell beside real ones, by features that cost next to nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from elmyr.images import ImageSet
from elmyr.metrics import balls_of, cells_of, centers_of, diversity, gaussian_of, precision_recall
from elmyr.metrics.gaussians.distances import gaussian_distance

SIDE = 8  # pixels a side of what the features see
MOST_MODES = 50
IMAGES_A_MODE = 5  # at least, so that a mode's share is more than chance
NEIGHBORS = 3
LEAST_OF_A_CLASS = 4  # that diversity needs


@dataclass(frozen=True)
class CheapFigures:
    """Figures of generated images; those of diversity and modes as shares of what other real images give.

    modes: the effective number of the real images' k-means clusters that the generated ones fall into, exp of the
    entropy (bins as in Richardson & Weiss 2018, "On GANs and GMMs"). mode_counts: how many fall into each.
    class_counts: the same by the class of the nearest real image; None without classes.
    """

    frechet_distance: float
    precision: float
    recall: float
    diversity: float
    modes: float
    mode_counts: tuple[int, ...]
    class_counts: tuple[int, ...] | None


class CheapEvaluator:
    """Looks at images beside the same real ones each time; other real ones say what is usual."""

    def __init__(self, reference: ImageSet, others: ImageSet, *, by_class: bool, seed: int) -> None:
        """`by_class`: whether generated images come with labels, so that diversity is that inside classes."""
        features = features_of(reference)
        self._features, self._labels, self._classes = features, reference.labels, len(reference.classes)
        self._reference, self._gaussian = balls_of(features, NEIGHBORS), gaussian_of(features)
        modes = max(2, min(MOST_MODES, len(self._features) // IMAGES_A_MODE))
        self._centers = centers_of(self._features, count=modes, seed=seed)
        usual = features_of(others)
        self._usual_modes = effective_number(self._counts(usual))
        self._usual_diversity = _diversity(usual, others.labels if by_class else None)

    def of(self, generated: ImageSet) -> CheapFigures:
        """What generated images look like. With labels they are those that were asked for."""
        features = features_of(generated)
        precision, recall = precision_recall(self._reference, features, NEIGHBORS)
        counts = self._counts(features)
        return CheapFigures(
            frechet_distance=gaussian_distance(self._gaussian, gaussian_of(features)),
            precision=precision.value,
            recall=recall.value,
            diversity=_diversity(features, generated.labels) / max(self._usual_diversity, 1e-12),
            modes=effective_number(counts) / self._usual_modes,
            mode_counts=tuple(map(int, counts)),
            class_counts=None if self._labels is None else self._nearest_classes(features, self._labels),
        )

    def _counts(self, features: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.bincount(cells_of(features, self._centers), minlength=len(self._centers))

    def _nearest_classes(self, features: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[int, ...]:
        squared = (self._features**2).sum(1) - 2 * features @ self._features.T
        return tuple(map(int, np.bincount(labels[squared.argmin(1)], minlength=self._classes)))


def features_of(images: ImageSet) -> NDArray[np.float64]:
    """The pixels, averaged down to 8x8: float64 (N, D) in [0, 1]."""
    pixels = torch.from_numpy(images.in_memory()).permute(0, 3, 1, 2).float() / 255
    size = min(SIDE, images.height), min(SIDE, images.width)
    return np.asarray(F.adaptive_avg_pool2d(pixels, size).flatten(1).double())


def effective_number(counts: NDArray[np.int64]) -> float:
    """How many bins counts `(K,)` fill: the exponential of their entropy, from 1 to K."""
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _diversity(features: NDArray[np.float64], labels: NDArray[np.int64] | None) -> float:
    """Inside classes where there are enough of one, else of all."""
    if labels is not None:
        enough = (np.bincount(labels) >= LEAST_OF_A_CLASS)[labels]
        if enough.any():
            return diversity(features[enough], labels[enough]).value
    return diversity(features, np.zeros(len(features), np.int64)).value
