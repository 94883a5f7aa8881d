"""Recall class by class, and what classes of few images or unequal numbers ask for."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import whole
from elmyr.metrics.labels import wilson_interval

UNBALANCED = 3.0  # images of the largest class for one of the smallest, from which accuracy hides small classes
FEWEST_TESTED = 10  # images of a class: with nine its recall is known to about 27 points either way


class Proportion(NamedTuple):
    """A share in [0, 1] with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Recall:
    """Of a class (its number): how many images it has, how many of them were classified correctly, and the share."""

    label: int
    count: int
    right: int
    share: Proportion


def ratio_of(counts: Any) -> float:
    """Images of the largest class for one of the smallest; classes without any are left out; 1 where all are."""
    numbers = whole(counts, "counts of images")
    present = numbers[numbers > 0]
    return float(present.max() / present.min()) if len(present) else 1.0


def is_unbalanced(*counts: Any) -> bool:
    """Whether classes differ by 3:1 or more in any of these parts, each given as images of a class (K,)."""
    return any(ratio_of(of_part) >= UNBALANCED for of_part in counts)


def recalls_of(confusion: Any) -> list[Recall]:
    """Recalls from counts (K, K), [class][prediction], the lowest first, of equals the class of fewest images.

    Intervals are Wilson's (1927). Classes without images are left out. Raises InputError for what is no such table.
    """
    table = _table(confusion)
    found = []
    for label, (count, right) in enumerate(zip(table.sum(1).tolist(), table.diagonal().tolist(), strict=True)):
        if count:
            found.append(Recall(label, count, right, Proportion(right / count, *wilson_interval(right, count))))
    return sorted(found, key=lambda recall: (recall.share.value, recall.count))


def mean_recall(confusion: Any) -> Proportion:
    """The balanced accuracy, which is the mean of the recalls of the classes that have images, with a 95 % interval.

    From counts (K, K), [class][prediction]. The classes are independent samples, so the distances from each share to
    the ends of its Wilson interval add up as squares (MOVER: Zou & Donner 2008, "Construction of confidence limits
    about effect measures"). A class of which all are right adds nothing to the end above, nor one of which none is to
    that below; so the end towards 0 or 1 is at least as far off as Wilson's for one share of as many images as have
    the same variance. Raises InputError where there is no image.
    """
    recalls = recalls_of(confusion)
    shares = [recall.share for recall in recalls]
    if not shares:
        raise InputError("there are no labels to compare: give at least one")
    value = sum(share.value for share in shares) / len(shares)
    below = sqrt(sum((share.value - share.low) ** 2 for share in shares)) / len(shares)
    above = sqrt(sum((share.high - share.value) ** 2 for share in shares)) / len(shares)
    low, high = max(0.0, value - below), min(1.0, value + above)
    alike = len(shares) ** 2 / sum(1 / recall.count for recall in recalls)
    of_one = wilson_interval(min(value * alike, alike), alike)
    return Proportion(value, min(low, of_one[0]) if value < 0.5 else low, max(high, of_one[1]) if value > 0.5 else high)


def chance_of(confusion: Any) -> float | None:
    """The balanced accuracy of guessing, one in K of the classes that have images, where these counts do not exceed it.

    None where the 95 % interval of `mean_recall` lies above it, and where there are fewer than two classes to guess.
    """
    classes = len(recalls_of(confusion))
    if classes < 2 or mean_recall(confusion).low > 1 / classes:
        return None
    return 1 / classes


def half_width(count: int) -> float:
    """Half of the widest 95 % interval that a share of so many images has: how far from the truth it may be."""
    low, high = wilson_interval(count // 2, count)
    return (high - low) / 2


def _table(confusion: Any) -> NDArray[np.int64]:
    table = whole(confusion, "counts of the confusion")
    if table.ndim != 2 or table.shape[0] != table.shape[1] or (table < 0).any():
        raise InputError(f"the confusion has the shape {table.shape}: give counts (K, K), [class][prediction]")
    return table
