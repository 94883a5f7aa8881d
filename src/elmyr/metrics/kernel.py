"""Kernel distances between two sets of features: squared maximum mean discrepancies.

Bińkowski, Sutherland, Arbel & Gretton 2018, "Demystifying MMD GANs"; with a Gaussian kernel Jayasumana et al. 2024,
"Rethinking FID: Towards a Better Evaluation Metric for Image Generation".
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.design import DRAWN, Design, Replicates, replicates_of
from elmyr.metrics.features import feature_pair
from elmyr.metrics.jackknife import Estimate, beside, deviation_of_pairs, interactions, jackknife, scaled

LARGEST = 1e80  # mean square of a row, past which sums over the cubes leave float64
BLOCK = 4_000_000  # kernel values held at a time: 32 MB of float64

WIDTH, SCALE = 10.0, 1000.0  # of the Gaussian kernel, and what the distance is multiplied by: Jayasumana et al. 2024

Rows = NDArray[np.float64]


class _Kernel(NamedTuple):
    """of: of rows and others, (N, M); own: of each row with itself, (N,)."""

    of: Callable[[Rows, Rows], Rows]
    own: Callable[[Rows], Rows]


def kernel_distance(real: ArrayLike, generated: ArrayLike, *, design: Design = DRAWN) -> Estimate:
    """The unbiased squared maximum mean discrepancy of features `(N, D)` and `(M, D)`, kernel (x·y / D + 1)³.

    Its expectation is 0 for equal distributions, whatever the counts; a single value may be below. Where labels were
    fixed (design) it is so too: pairs of a class count as often as the class's share has it, and not as often as they
    are there. Comparable within one feature extractor. The interval covers both samples. Raises InputError for fewer
    than 4 rows, different D, or values that are not finite or past 1e40. Source: Bińkowski et al. 2018.
    """
    a, b = feature_pair(real, generated, least=4)
    reach = max(float((rows**2).sum(axis=1).max()) for rows in (a, b)) / a.shape[1]
    if reach > LARGEST:
        raise InputError(
            f"features reach to a mean square of {reach:.3g}, whose cube leaves float64: bring them to the size of 1"
        )
    return _discrepancy(a, b, design, _Kernel(_cubic, lambda rows: _cubed((rows**2).sum(axis=1) / rows.shape[1] + 1)))


def gaussian_kernel_distance(real: ArrayLike, generated: ArrayLike, *, design: Design = DRAWN) -> Estimate:
    """1,000 times the unbiased squared maximum mean discrepancy of features `(N, D)` and `(M, D)` brought to length 1,
    kernel exp(−|x − y|² / 200).

    Of the features of a CLIP it is CMMD. Its expectation is 0 for equal distributions; a single value may be below. The
    published code keeps the pairs of a row with itself, which adds up to 20 / N + 20 / M. Raises InputError for fewer
    than 4 rows, different D, a row of zeros, or values that are not finite. Source: Jayasumana et al. 2024.
    """
    a, b = feature_pair(real, generated, least=4)
    lengths = [np.sqrt((rows**2).sum(axis=1, keepdims=True)) for rows in (a, b)]
    if not all(length.all() for length in lengths):
        raise InputError("a row of features is all 0, which has no direction: take another extractor")
    kernel = _Kernel(_gaussian, lambda rows: np.ones(len(rows)))
    found = _discrepancy(a / lengths[0], b / lengths[1], design, kernel)
    return scaled(replace(found, beside=beside(a, design.real)), SCALE)


def _discrepancy(a: Rows, b: Rows, design: Design, kernel: _Kernel) -> Estimate:
    of_a, of_b = replicates_of(len(a), design.real), replicates_of(len(b), design.generated)
    within_a, within_b, across = _within(a, of_a, kernel), _within(b, of_b, kernel), _across(a, of_a, b, of_b, kernel)
    found = within_a[:, None] + within_b - 2 * across  # [replicate of a][replicate of b], the samples themselves first
    value, without_a, without_b = float(found[0, 0]), found[1:, 0], found[0, 1:]
    pairs = interactions(value, without_a[:, None], without_b, found[1:, 1:])
    of_pairs = deviation_of_pairs(pairs, min(pairs.shape), len(a), len(b))
    return jackknife(value, real=[without_a], generated=[without_b], beside=beside(a, design.real), of_pairs=of_pairs)


def _within(rows: Rows, replicates: Replicates, kernel: _Kernel) -> Rows:
    """The mean kernel of two different rows, in the sample and in each replicate: (1 + G,).

    Different rows of one stratum stand for all pairs inside it.
    """
    weights = replicates.weights()
    whole = _forms(rows, weights, kernel)
    own = kernel.own(rows)
    strata = [np.flatnonzero(replicates.strata == stratum) for stratum in range(replicates.strata.max() + 1)]
    inside = [whole] if len(strata) == 1 else [_forms(rows[places], weights[places], kernel) for places in strata]
    found = whole - sum(inside)
    for places, form in zip(strata, inside, strict=True):
        squares = weights[places] ** 2
        share = weights[places].sum(axis=0) ** 2
        found = found + share * (form - own[places] @ squares) / (share - squares.sum(axis=0))
    return np.asarray(found)


def _forms(rows: Rows, weights: Rows, kernel: _Kernel) -> Rows:
    """wᵀ K w for each column w of the weights."""
    parts = [(weights[part] * (block @ weights)).sum(axis=0) for part, block in _blocks(rows, rows, kernel)]
    return np.asarray(sum(parts))


def _across(a: Rows, of_a: Replicates, b: Rows, of_b: Replicates, kernel: _Kernel) -> Rows:
    """The mean kernel of a row of each side, in each pair of their replicates: (1 + G, 1 + H)."""
    weights_a, weights_b = of_a.weights(), of_b.weights()
    return np.asarray(sum(weights_a[part].T @ (block @ weights_b) for part, block in _blocks(a, b, kernel)))


def _blocks(a: Rows, b: Rows, kernel: _Kernel) -> Iterator[tuple[slice, Rows]]:
    height = max(1, BLOCK // len(b))
    for start in range(0, len(a), height):
        part = slice(start, start + height)
        yield part, kernel.of(a[part], b)


def _cubic(a: Rows, b: Rows) -> Rows:
    return _cubed(a @ b.T / a.shape[1] + 1)


def _cubed(base: Rows) -> Rows:
    return np.asarray(base * base * base)  # several times as fast as **3


def _gaussian(a: Rows, b: Rows) -> Rows:
    """Of rows of length 1, whose squared distance is 2 − 2 x·y."""
    return np.asarray(np.exp((a @ b.T - 1) / WIDTH**2))
