"""The figures themselves: what is taken of generated images beside real ones, and what each is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from elmyr.evaluation.features import FeatureExtractor
from elmyr.images import ImageSet
from elmyr.metrics import (
    Estimate,
    class_divergence,
    density_coverage,
    diversity,
    frechet_distance,
    frechet_distance_at_infinity,
    inception_score,
    kernel_distance,
    means_without,
    precision_recall,
    wilson_interval,
)

Better = Literal["lower", "higher"]
FEWEST_OF_A_CLASS = 4
FEWEST_A_DIMENSION = 5  # images for each feature, below which the distance at infinity is not to be trusted

TITLES: dict[str, tuple[str, Better]] = {
    "frechet_distance": ("Fréchet distance", "lower"),
    "frechet_distance_at_infinity": ("Fréchet distance, without end", "lower"),
    "kernel_distance": ("kernel distance", "lower"),
    "precision": ("precision", "higher"),
    "recall": ("recall", "higher"),
    "density": ("density", "higher"),
    "coverage": ("coverage", "higher"),
    "inception_score": ("Inception Score", "higher"),
    "diversity": ("diversity inside a class", "higher"),
    "class_divergence": ("divergence of the classes read", "lower"),
    "label_accuracy": ("asked label read back", "higher"),
    "told_apart": ("told apart by the discriminator", "lower"),
}


@dataclass(frozen=True)
class Look:
    """What an extractor sees in some images.

    features (N, D); probabilities of the classes (N, K), or None; labels (N,) that were asked for, or None.
    """

    features: NDArray[np.float64]
    probabilities: NDArray[np.float64] | None
    labels: NDArray[np.int64] | None

    @property
    def read(self) -> NDArray[np.int64] | None:
        """The labels int64 (N,) that are read."""
        return None if self.probabilities is None else self.probabilities.argmax(axis=1).astype(np.int64)


def look(extractor: FeatureExtractor, images: ImageSet) -> Look:
    """What the extractor sees in an image set."""
    features = extractor.features(images)
    return Look(features, extractor.probabilities(features), images.labels)


def take_figures(real: Look, generated: Look) -> dict[str, Estimate]:
    """Every figure that these images allow, by name; each with its interval."""
    taken: dict[str, Estimate] = {}
    for take in (_distances, _neighbors, _classes):
        taken |= take(real, generated)
    return taken


def averaged(estimates: Sequence[Estimate]) -> tuple[float, float, float]:
    """The mean of a figure over some sets of samples, and of its ends: no narrower for having sampled more."""
    value, low, high = np.mean([estimate.interval for estimate in estimates], axis=0).tolist()
    return value, low, high


def _distances(real: Look, generated: Look) -> dict[str, Estimate]:
    a, b = real.features, generated.features
    taken = {"frechet_distance": frechet_distance(a, b), "kernel_distance": kernel_distance(a, b)}
    if min(len(a), len(b)) >= FEWEST_A_DIMENSION * a.shape[1]:
        taken["frechet_distance_at_infinity"] = frechet_distance_at_infinity(a, b)
    return taken


def _neighbors(real: Look, generated: Look) -> dict[str, Estimate]:
    precision, recall = precision_recall(real.features, generated.features)
    density, coverage = density_coverage(real.features, generated.features)
    return {"precision": precision, "recall": recall, "density": density, "coverage": coverage}


def _classes(real: Look, generated: Look) -> dict[str, Estimate]:
    taken: dict[str, Estimate] = {}
    if generated.labels is not None and np.unique(generated.labels, return_counts=True)[1].min() >= FEWEST_OF_A_CLASS:
        taken["diversity"] = diversity(generated.features, generated.labels)
    if generated.probabilities is None or generated.read is None or real.read is None:
        return taken
    taken["inception_score"] = inception_score(generated.probabilities)
    taken["class_divergence"] = class_divergence(real.read, generated.read, generated.probabilities.shape[1])
    if generated.labels is not None:
        right = generated.read == generated.labels
        ends = wilson_interval(int(right.sum()), len(right))  # holds near 1, too
        taken["label_accuracy"] = Estimate(float(right.mean()), *ends, without_generated=(means_without(right),))
    return taken


def class_rows(real: Look, generated: Look, classes: Sequence[str]) -> list[dict[str, float | int | str | None]]:
    """A row a class with labels on both sides: how many images, their Fréchet distance, how often the label is read."""
    if real.labels is None or generated.labels is None:
        return []
    rows: list[dict[str, float | int | str | None]] = []
    for number, name in enumerate(classes):
        of_real, of_generated = real.labels == number, generated.labels == number
        count = int(min(of_real.sum(), of_generated.sum()))
        few = count < FEWEST_OF_A_CLASS
        distance = None if few else frechet_distance(real.features[of_real], generated.features[of_generated]).value
        read = generated.read
        right = None if read is None or not count else float((read[of_generated] == number).mean())
        rows.append({"name": name, "count": count, "frechet_distance": distance, "label_accuracy": right})
    return rows
