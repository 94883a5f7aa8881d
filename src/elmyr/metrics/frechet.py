"""The Fréchet distance between two sets of features, each taken as a Gaussian.

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium".
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import numbers
from elmyr.metrics.design import DRAWN, Design, Labels, replicates_of
from elmyr.metrics.features import feature_pair, feature_rows, row_labels
from elmyr.metrics.gaussians.distances import distances_from, replicated_distances
from elmyr.metrics.gaussians.moments import Gaussian
from elmyr.metrics.jackknife import Estimate, OfPairs, beside, deviation_of_pairs, jackknife

Rows = NDArray[np.float64]

FEWEST = 4  # rows a side, so that a group can be left out


class FrechetDistances(NamedTuple):
    """The distance at the counts of the samples, and extrapolated to infinitely many."""

    plain: Estimate
    at_infinity: Estimate


def frechet_distance(real: ArrayLike, generated: ArrayLike, *, design: Design = DRAWN) -> Estimate:
    """|μa − μb|² + tr Σa + tr Σb − 2 tr (Σa Σb)^½ of features `(N, D)` and `(M, D)`; 0 is the best.

    In squared units of the features, so comparable only within one feature extractor; biased upwards where samples are
    few, so only within one sample count too: the interval is for what it is on average at these counts. design: whether
    labels were fixed. Symmetric, never negative. Raises InputError for fewer than 4 rows, different D, or values that
    are not finite. Source: Heusel et al. 2017.
    """
    return frechet_distances(real, generated, design=design).plain


def frechet_distance_at_infinity(real: ArrayLike, generated: ArrayLike, *, design: Design = DRAWN) -> Estimate:
    """The Fréchet distance extrapolated to infinitely many samples: what is left when its bias in 1/N and 1/M is gone.

    The bias is read from how much the distance grows where a group of either sample is left out (the jackknife's
    correction), in place of a line through many smaller samples: the same term, no random draw. It is another where
    labels were fixed (design). Where N or M is not well above D the bias has other terms too, and this is too high. May
    be below 0 for equal distributions. Raises InputError as `frechet_distance`. Source: Chong & Forsyth 2020,
    "Effectively Unbiased FID and Inception Score and Where to Find Them".
    """
    return frechet_distances(real, generated, design=design).at_infinity


def frechet_distances(real: ArrayLike, generated: ArrayLike, *, design: Design = DRAWN) -> FrechetDistances:
    """Both of them, at the cost of one."""
    a, b = feature_pair(real, generated, least=FEWEST)
    of_a, of_b = replicates_of(len(a), design.real), replicates_of(len(b), design.generated)
    found = replicated_distances(a, of_a, b, of_b)
    sides = found.without_real, found.without_generated
    bias = sum((len(left_out) - 1) * (left_out.mean() - found.value) for left_out in sides)
    groups = len(found.interactions)
    of_pairs = deviation_of_pairs(found.interactions, groups, len(a), len(b))
    shown_beside = beside(a, design.real)

    def estimate(value: float, low: float) -> Estimate:
        return jackknife(value, real=[sides[0]], generated=[sides[1]], low=low, beside=shown_beside, of_pairs=of_pairs)

    return FrechetDistances(estimate(found.value, 0.0), estimate(found.value - float(bias), -inf))


def frechet_distance_from(known: Gaussian, generated: ArrayLike, *, labels: Labels = None) -> Estimate:
    """The Fréchet distance of features `(M, D)` from a Gaussian that is known: the mean and covariance of real ones.

    The interval holds the chance of the generated rows alone: the Gaussian is taken as it is. labels `(M,)`: that were
    fixed before the rows were drawn. Raises InputError as `frechet_distance`, and for another D.
    """
    rows = feature_rows(generated, name="generated", least=FEWEST)
    known = Gaussian(*(numbers(each, "mean and covariance") for each in known))
    if known.covariance.shape != (rows.shape[1],) * 2 or known.mean.shape != rows.shape[1:]:
        raise InputError(
            f"the Gaussian is of {known.mean.size} features, the generated ones are {rows.shape[1]}: use one extractor"
        )
    value, without = distances_from(known, rows, replicates_of(len(rows), labels))
    return jackknife(value, generated=[without], low=0.0, beside=beside(known.covariance))


def class_frechet_distances(
    real: ArrayLike, real_labels: ArrayLike, generated: ArrayLike, generated_labels: ArrayLike
) -> dict[int, Estimate]:
    """The Fréchet distance inside each class that has 4 rows or more on both sides, by its label.

    Features `(N, D)` and `(M, D)` with labels int `(N,)` and `(M,)`. Sees what the whole distance cannot: images of one
    class under the label of another. Of fewer rows than the whole, so higher. Raises InputError as `frechet_distance`.
    """
    a, b = feature_pair(real, generated)
    labels_a, labels_b = (row_labels(labels, len(rows)) for labels, rows in ((real_labels, a), (generated_labels, b)))
    shared = np.intersect1d(labels_a, labels_b).tolist()
    sides = {label: (a[labels_a == label], b[labels_b == label]) for label in shared}
    return {label: frechet_distance(*pair) for label, pair in sides.items() if min(map(len, pair)) >= FEWEST}


def mean_of_classes(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of a distance over classes, each with the same weight: intra-class FID (Miyato & Koyama 2018).

    Raises InputError for none.
    """
    count = len(estimates)
    if not count:
        raise InputError("there is no class to take a mean over: give one estimate or more")
    real, generated = (
        [one / count for estimate in estimates for one in getattr(estimate, side)]
        for side in ("without_real", "without_generated")
    )
    value = float(np.mean([estimate.value for estimate in estimates]))
    rows, labels = ("+".join(estimate.beside[part] for estimate in estimates) for part in (0, 1))
    of_sum = OfPairs.of_sum([estimate.of_pairs for estimate in estimates])
    of_pairs = OfPairs(*(deviation / count for deviation in of_sum))
    return jackknife(value, real=real, generated=generated, low=0.0, beside=(rows, labels), of_pairs=of_pairs)
