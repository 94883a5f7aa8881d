"""Figures of pairs of images: how varied a class is, how well a discriminator tells real from generated."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import mid_ranks, numbers
from elmyr.metrics.design import DRAWN, Design
from elmyr.metrics.features import feature_rows, row_labels
from elmyr.metrics.jackknife import Estimate, digest_of, groups_of, jackknife, means_without
from elmyr.metrics.labels import wilson_interval


def diversity(features: Any, labels: Any) -> Estimate:
    """The mean distance of two different images of one class, in units of the features; 0 where a class has one image.

    features `(N, D)`, labels `(N,)`; the mean over classes, each with the same weight. Only as good as high: beside
    that of real images it tells of collapse inside a class. Raises InputError for a class with fewer than 4 images,
    or values that are not finite.
    """
    rows = feature_rows(features)
    numbers = row_labels(labels, len(rows))
    means, without = [], []
    for label in np.unique(numbers):
        of_class = rows[numbers == label]
        if len(of_class) < 4:
            raise InputError(f"class {label} has {len(of_class)} images: diversity needs 4 of each")
        mean, left_out = _mean_distance(of_class)
        means.append(mean)
        without.append(left_out)
    of_classes = [left_out / len(means) for left_out in without]  # what each class adds to the mean over classes
    return jackknife(float(np.mean(means)), generated=of_classes, low=0.0)


def discriminator_accuracy(real: Any, generated: Any, *, design: Design = DRAWN) -> Estimate:
    """The share of pairs, a real and a generated image, in which the real one has the higher logit (ties: half).

    The discriminator's accuracy where it is shown one of each: 0.5 where it cannot tell, 1 where it always can. Unlike
    an accuracy at the logit 0 it means the same for every objective: relativistic ones leave the zero free. Logits
    `(N,)` and `(M,)`. Raises InputError for fewer than 4 of either or logits that are not finite. Source: the area
    under the ROC curve, Hanley & McNeil 1982.
    """
    a, b = _logits(real, "real"), _logits(generated, "generated")
    ranks = mid_ranks(np.concatenate([a, b]))
    # Mid-ranks count the others below: each row's share of wins against the other side.
    wins = (ranks[: len(a)] - mid_ranks(a)) / len(b)
    losses = (ranks[len(a) :] - mid_ranks(b)) / len(a)
    without_real, without_generated = means_without(wins, design.real), 1 - means_without(losses, design.generated)
    # Logits are this discriminator's own: their digest would not say whether the real images are the same.
    shown_beside = "", "" if design.real is None else digest_of(design.real)
    found = jackknife(float(wins.mean()), real=[without_real], generated=[without_generated], beside=shown_beside)
    fewer = min(len(a), len(b))
    low, high = wilson_interval(round(found.value * fewer), fewer)  # near 1 the jackknife has next to no width
    return replace(found, low=max(0.0, min(found.low, low)), high=min(1.0, max(found.high, high)))


def _logits(values: Any, name: str) -> NDArray[np.float64]:
    logits = numbers(values, f"{name} logits")
    if logits.ndim != 1 or len(logits) < 4:
        raise InputError(f"the {name} logits have the shape {logits.shape}: give one each of 4 images or more")
    return logits


def _mean_distance(rows: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Of two different rows, and the same with each group of rows left out."""
    groups = groups_of(len(rows))
    member = np.eye(groups.max() + 1)[groups]
    sums = member.T @ cdist(rows, rows) @ member
    counts = member.sum(axis=0)
    left = len(rows) - counts
    kept = sums.sum() - 2 * sums.sum(axis=1) + np.diag(sums)
    return float(sums.sum() / (len(rows) * (len(rows) - 1))), kept / (left * (left - 1))
