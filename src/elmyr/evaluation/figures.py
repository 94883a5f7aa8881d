"""The figures themselves: what is taken of generated images beside real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elmyr.evaluation.reference import FAR, NEAR, Look, Reference
from elmyr.evaluation.sides import FEWEST_OF_A_CLASS
from elmyr.metrics import (
    Estimate,
    class_divergence,
    class_frechet_distances,
    density_coverage,
    diversity,
    frechet_distance,
    frechet_distance_at_infinity,
    inception_score,
    kernel_distance,
    mean_of_classes,
    precision_recall,
    share_right,
)

INSIDE = 0.5  # share of a class's real images that the distance inside it is taken of: samples vary in their counts
FEWEST_A_DIMENSION = 5  # images for each feature, below which the distance at infinity is not to be trusted


def take_figures(real: Reference, generated: Look) -> dict[str, Estimate]:
    """Every figure that these images allow, by name; each with its interval."""
    taken: dict[str, Estimate] = {}
    for take in (_distances, _neighbors, _classes, _labels):
        taken |= take(real, generated)
    return taken


def averaged(estimates: Sequence[Estimate]) -> tuple[float, float, float]:
    """The mean of a figure over some sets of samples, and of its ends: no narrower for having sampled more."""
    value, low, high = np.mean([estimate.interval for estimate in estimates], axis=0).tolist()
    return value, low, high


def _distances(real: Reference, generated: Look) -> dict[str, Estimate]:
    a, b = real.look.features, generated.features
    taken = {"frechet_distance": frechet_distance(a, b), "kernel_distance": kernel_distance(a, b)}
    if min(len(a), len(b)) >= FEWEST_A_DIMENSION * a.shape[1]:
        taken["frechet_distance_at_infinity"] = frechet_distance_at_infinity(a, b)
    return taken


def _neighbors(real: Reference, generated: Look) -> dict[str, Estimate]:
    precision, recall = precision_recall(real.near, generated.features, NEAR)
    density, coverage = density_coverage(real.far, generated.features, FAR)
    return {"precision": precision, "recall": recall, "density": density, "coverage": coverage}


def _classes(real: Reference, generated: Look) -> dict[str, Estimate]:
    """The figures of generated images with labels, where there are enough of every class of the real ones."""
    if generated.labels is None or real.look.labels is None:
        return {}
    there, counts = np.unique(generated.labels, return_counts=True)
    if not set(np.unique(real.look.labels).tolist()) <= set(there[counts >= FEWEST_OF_A_CLASS].tolist()):
        return {}
    taken = {"diversity": diversity(generated.features, generated.labels)}
    of_classes = _class_distances(real, generated)
    if len(of_classes) == len(np.unique(real.look.labels)):
        taken["class_frechet_distance"] = mean_of_classes(list(of_classes.values()))
    return taken


def _labels(real: Reference, generated: Look) -> dict[str, Estimate]:
    """The figures of the classes that the extractor reads."""
    if generated.probabilities is None or generated.read is None or real.look.read is None:
        return {}
    classes = generated.probabilities.shape[1]
    taken = {
        "inception_score": inception_score(generated.probabilities),
        "class_divergence": class_divergence(real.look.read, generated.read, classes),
    }
    if generated.labels is not None:
        taken["label_accuracy"] = share_right(generated.read == generated.labels, of="generated")
    return taken


def _class_distances(real: Reference, generated: Look) -> dict[int, Estimate]:
    """Of each class with as many images on both sides, always so many: a distance grows where images are fewer."""
    if real.look.labels is None or generated.labels is None:
        return {}
    kept_real, kept_generated = [], []
    for label, count in zip(*np.unique(real.look.labels, return_counts=True), strict=True):
        size = int(count * INSIDE)
        of_real, of_generated = (np.flatnonzero(one.labels == label)[:size] for one in (real.look, generated))
        if len(of_real) == len(of_generated) >= FEWEST_OF_A_CLASS:
            kept_real.append(of_real)
            kept_generated.append(of_generated)
    if not kept_real:
        return {}
    a, b = np.concatenate(kept_real), np.concatenate(kept_generated)
    return class_frechet_distances(
        real.look.features[a], real.look.labels[a], generated.features[b], generated.labels[b]
    )


@dataclass(frozen=True)
class ClassRow:
    """The figures of one class as (value, low, high), None where there are too few images of it.

    count: images of the class on the side that has fewer.
    """

    name: str
    count: int
    frechet_distance: tuple[float, float, float] | None
    label_accuracy: tuple[float, float, float] | None


def class_rows(real: Reference, generated: Look, classes: Sequence[str]) -> tuple[ClassRow, ...]:
    """A row for each class, where both sides have labels."""
    if real.look.labels is None or generated.labels is None:
        return ()
    distances = _class_distances(real, generated)
    rows = []
    for label, name in enumerate(classes):
        of_class = generated.labels == label
        count = int(min(of_class.sum(), (real.look.labels == label).sum()))
        distance = distances[label].interval if label in distances else None
        right = None
        if generated.read is not None and of_class.any():
            right = share_right(generated.read[of_class] == label, of="generated").interval
        rows.append(ClassRow(name, count, distance, right))
    return tuple(rows)
