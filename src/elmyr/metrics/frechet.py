"""The Fréchet distance between two sets of features, each taken as a Gaussian.

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.design import DRAWN, Design, Replicates, replicates_of
from elmyr.metrics.features import feature_pair, feature_rows, row_labels
from elmyr.metrics.jackknife import Beside, Estimate, beside, interactions, jackknife, variance_of_pairs

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


def frechet_distance(real: ArrayLike, generated: ArrayLike, *, design: Design = DRAWN) -> Estimate:
    """|μa − μb|² + tr Σa + tr Σb − 2 tr (Σa Σb)^½ of features `(N, D)` and `(M, D)`; 0 is the best.

    In squared units of the features, so comparable only within one feature extractor; biased upwards where samples are
    few, so only within one sample count too: the interval is for what it is on average at these counts. design: whether
    labels were fixed. Symmetric, never negative. Raises InputError for fewer than 4 rows, different D, or values that
    are not finite. Source: Heusel et al. 2017.
    """
    value, without_real, without_generated, of_pairs, shown_beside = _with_groups_left_out(real, generated, design)
    return jackknife(
        value, real=[without_real], generated=[without_generated], low=0.0, beside=shown_beside, of_pairs=of_pairs
    )


def frechet_distance_at_infinity(real: ArrayLike, generated: ArrayLike, *, design: Design = DRAWN) -> Estimate:
    """The Fréchet distance extrapolated to infinitely many samples: what is left when its bias in 1/N and 1/M is gone.

    The bias is read from how much the distance grows where a group of either sample is left out (the jackknife's
    correction), in place of a line through many smaller samples: the same term, no random draw. It is another where
    labels were fixed (design). Where N or M is not
    well above D the bias has other terms too, and this is too high. May be below 0 for equal distributions. Raises
    InputError as `frechet_distance`. Source: Chong & Forsyth 2020, "Effectively Unbiased FID and Inception Score and
    Where to Find Them".
    """
    value, without_real, without_generated, of_pairs, shown_beside = _with_groups_left_out(real, generated, design)
    bias = sum((len(left_out) - 1) * (left_out.mean() - value) for left_out in (without_real, without_generated))
    unbiased = value - float(bias)
    return jackknife(
        unbiased, real=[without_real], generated=[without_generated], beside=shown_beside, of_pairs=of_pairs
    )


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
    return jackknife(value, real=real, generated=generated, low=0.0, beside=(rows, labels))


class _Rooted:
    """A Gaussian with a factor R of its covariance, R Rᵀ."""

    def __init__(self, gaussian: Gaussian) -> None:
        self.mean, self.covariance = gaussian
        self.factor = _factor(self.covariance)


def _distance(a: _Rooted, b: _Rooted) -> float:
    # tr (Σa Σb)^½ is the sum of the singular values of Raᵀ Rb: nothing complex, no root of rounding noise.
    overlap = np.linalg.svd(a.factor.T @ b.factor, compute_uv=False).sum()
    distance = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * overlap
    return max(0.0, float(distance))


def _with_groups_left_out(
    real: ArrayLike, generated: ArrayLike, design: Design
) -> tuple[float, Rows, Rows, float, Beside]:
    a, b = feature_pair(real, generated, least=FEWEST)
    whole_a, whole_b = (_Rooted(gaussian_of(rows)) for rows in (a, b))
    parts_a, parts_b = (
        [_Rooted(part) for part in _gaussians_of(rows, replicates_of(len(rows), labels))]
        for rows, labels in ((a, design.real), (b, design.generated))
    )
    value = _distance(whole_a, whole_b)
    without_a = np.array([_distance(part, whole_b) for part in parts_a])
    without_b = np.array([_distance(whole_a, part) for part in parts_b])
    fewest = min(len(parts_a), len(parts_b))
    both = np.array([_distance(*pair) for pair in zip(parts_a, parts_b, strict=False)])
    pairs = interactions(value, without_a[:fewest], without_b[:fewest], both)
    return value, without_a, without_b, variance_of_pairs(pairs, fewest, len(a), len(b)), beside(a, design.real)


def _gaussians_of(rows: Rows, replicates: Replicates) -> list[Gaussian]:
    """The Gaussian of each replicate, from sums over the rows that weigh less in it."""
    count = len(rows)
    shift = rows.mean(axis=0)  # sums of squares of centered rows lose no digits
    centered, kept, taken = rows - shift, replicates.kept / count, (replicates.kept - replicates.lighter) / count
    total, square = kept @ centered, (centered * kept[:, None]).T @ centered
    found = []
    for members in replicates.members:
        part, off = centered[members], taken[members]
        mean = total - off @ part
        concentration = (kept**2).sum() - (off * (2 * kept[members] - off)).sum()  # the sum of the squared weights
        covariance = square - (part * off[:, None]).T @ part - np.outer(mean, mean)
        found.append(Gaussian(mean + shift, covariance / (1 - concentration)))
    return found


def _factor(covariance: Rows) -> Rows:
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:  # no full rank
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(vectors * np.sqrt(values.clip(min=0.0)))  # a covariance's eigenvalue below 0 is rounding
