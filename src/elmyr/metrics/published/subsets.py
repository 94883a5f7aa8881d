"""The kernel distance of random subsets, and the Inception Score of splits: a value for each.

elmyr's own figures are taken of all images at once; published ones are mostly means of these. Their standard deviation
says how much a subset or a split differs from another, and is no interval for the mean.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import probability_rows
from elmyr.metrics.features import feature_pair

Rows = NDArray[np.float64]


def subset_kernel_distances(real: ArrayLike, generated: ArrayLike, *, subsets: int, size: int, seed: int) -> Rows:
    """The unbiased squared maximum mean discrepancy, kernel (x·y / D + 1)³, of random subsets: float64 (subsets,).

    Features `(N, D)` and `(M, D)`; each subset is `size` rows of either side, drawn without replacement by numpy's
    legacy generator, the generated ones first. Raises InputError for fewer rows than that or than 2, different D, or
    values that are not finite. Source: Bińkowski et al. 2018, as torch-fidelity and clean-fid compute it.
    """
    a, b = feature_pair(generated, real, least=max(size, 2))
    if size < 2 or subsets < 1:
        raise InputError(f"{subsets} subsets of {size} rows: give one subset or more, of 2 rows or more")
    random = np.random.RandomState(seed)
    return np.array([_of_subset(*(rows[random.choice(len(rows), size, replace=False)] for rows in (a, b)))
                     for _ in range(subsets)])  # fmt: skip


def _of_subset(a: Rows, b: Rows) -> float:
    size = len(a)
    within = sum(
        _kernel(rows, rows).sum() - (((rows**2).sum(axis=1) / rows.shape[1] + 1) ** 3).sum() for rows in (a, b)
    )
    return float(within / (size * (size - 1)) - 2 * _kernel(a, b).mean())


def _kernel(a: Rows, b: Rows) -> Rows:
    base = a @ b.T / a.shape[1] + 1
    return np.asarray(base * base * base)


def scores_of_splits(probabilities: Any, *, splits: int, seed: int | None) -> Rows:
    """The Inception Score of each of `splits` parts of nearly the same size: float64 (splits,), each from 1 to K.

    Class probabilities `(N, K)`, which numpy's legacy generator shuffles by `seed`; None leaves them in their order. Of
    fewer images a score is lower, so it compares only within one number of images a split. Raises InputError for fewer
    rows than splits, or rows that are no probabilities. Source: Salimans et al. 2016.
    """
    rows = probability_rows(probabilities, least=max(splits, 1))
    if splits < 1:
        raise InputError(f"{splits} splits: give 1 or more")
    if seed is not None:
        rows = rows[np.random.RandomState(seed).permutation(len(rows))]
    ends = [place * len(rows) // splits for place in range(splits + 1)]
    return np.array([_score(rows[start:end]) for start, end in pairwise(ends)])


def _score(rows: Rows) -> float:
    mean = np.broadcast_to(rows.mean(axis=0), rows.shape)
    known = rows > 0
    terms = np.zeros_like(rows)
    terms[known] = rows[known] * np.log(rows[known] / mean[known])
    return float(np.exp(terms.sum(axis=1).mean()))
