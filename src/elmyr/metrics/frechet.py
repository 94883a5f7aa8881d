"""The Fréchet distance between two sets of features, each taken as a Gaussian.

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.features import feature_pair, feature_rows, row_labels
from elmyr.metrics.jackknife import Estimate, digest_of, groups_of, jackknife

Rows = NDArray[np.float64]

FEWEST = 4  # rows a side, so that a group can be left out


class Gaussian(NamedTuple):
    """The mean `(D,)` and the covariance `(D, D)` of features, float64."""

    mean: Rows
    covariance: Rows


def gaussian_of(features: ArrayLike) -> Gaussian:
    """The mean and the unbiased covariance of features `(N, D)`.

    Raises InputError for fewer than 2 rows, a shape other than `(N, D)`, or values that are not finite.
    """
    rows = feature_rows(features)
    mean = rows.mean(axis=0)
    centered = rows - mean
    return Gaussian(mean, centered.T @ centered / (len(rows) - 1))


def frechet_distance(real: ArrayLike, generated: ArrayLike) -> Estimate:
    """|μa − μb|² + tr Σa + tr Σb − 2 tr (Σa Σb)^½ of features `(N, D)` and `(M, D)`; 0 is the best.

    In squared units of the features, so comparable only within one feature extractor; biased upwards where
    samples are few, so only within one sample count too: the interval is for what it is on average at these
    counts. Symmetric, never negative. Raises InputError for fewer than 4 rows, different D, or values that are
    not finite. Source: Heusel et al. 2017.
    """
    value, without_real, without_generated, beside = _with_groups_left_out(real, generated)
    return jackknife(value, real=[without_real], generated=[without_generated], low=0.0, beside=beside)


def frechet_distance_at_infinity(real: ArrayLike, generated: ArrayLike) -> Estimate:
    """The Fréchet distance extrapolated to infinitely many samples: what is left when its bias in 1/N and 1/M is gone.

    The bias is read from how much the distance grows where a group of either sample is left out (the jackknife's
    correction), in place of a line through many smaller samples: the same term, no random draw. Where N or M is not
    well above D the bias has other terms too, and this is too high. May be below 0 for equal distributions. Raises
    InputError as `frechet_distance`. Source: Chong & Forsyth 2020, "Effectively Unbiased FID and Inception Score and
    Where to Find Them".
    """
    value, without_real, without_generated, beside = _with_groups_left_out(real, generated)
    bias = sum((len(left_out) - 1) * (left_out.mean() - value) for left_out in (without_real, without_generated))
    return jackknife(value - float(bias), real=[without_real], generated=[without_generated], beside=beside)


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
    beside = "+".join(estimate.beside for estimate in estimates)
    return jackknife(value, real=real, generated=generated, low=0.0, beside=beside)


def _distance(a: Gaussian, root_a: Rows, b: Gaussian, root_b: Rows) -> float:
    # tr (Σa Σb)^½ is the sum of the singular values of Σa^½ Σb^½: nothing complex, no root of rounding noise.
    overlap = np.linalg.svd(root_a @ root_b, compute_uv=False).sum()
    distance = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    return max(0.0, float(distance))


def _with_groups_left_out(real: ArrayLike, generated: ArrayLike) -> tuple[float, Rows, Rows, str]:
    a, b = feature_pair(real, generated, least=FEWEST)
    whole_a, whole_b = gaussian_of(a), gaussian_of(b)
    root_a, root_b = _root(whole_a.covariance), _root(whole_b.covariance)
    value = _distance(whole_a, root_a, whole_b, root_b)
    without_a = [_distance(part, _root(part.covariance), whole_b, root_b) for part in _gaussians_without(a)]
    without_b = [_distance(whole_a, root_a, part, _root(part.covariance)) for part in _gaussians_without(b)]
    return value, np.array(without_a), np.array(without_b), digest_of(a)


def _gaussians_without(rows: Rows) -> list[Gaussian]:
    """The Gaussian of the rows with each group left out, from sums over the groups."""
    groups = groups_of(len(rows))
    shift = rows.mean(axis=0)  # sums of squares of centered rows lose no digits
    parts = [rows[groups == group] - shift for group in range(groups.max() + 1)]
    total, square = sum(part.sum(axis=0) for part in parts), sum(part.T @ part for part in parts)
    left = []
    for part in parts:
        count = len(rows) - len(part)
        mean = (total - part.sum(axis=0)) / count
        covariance = (square - part.T @ part - count * np.outer(mean, mean)) / (count - 1)
        left.append(Gaussian(mean + shift, covariance))
    return left


def _root(covariance: Rows) -> Rows:
    values, vectors = np.linalg.eigh(covariance)
    scaled = vectors * np.sqrt(values.clip(min=0.0))  # a covariance's eigenvalue below 0 is rounding
    return np.asarray(scaled @ vectors.T)
