"""The Vendi score: how many wholly different images a set is worth.

Friedman & Dieng 2023, "The Vendi Score: A Diversity Evaluation Metric for Machine Learning".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.features import feature_rows
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife

FEWEST = 4  # rows, below which leaving one out tells nothing

Rows = NDArray[np.float64]


def vendi_score(features: Any, *, labels: NDArray[np.int64] | None = None) -> Estimate:
    """exp of the entropy of the eigenvalues of K / N, where K holds the cosines of features `(N, D)`.

    From 1, all rows the same but for their length, to the smaller of N and D. It knows no real images: noise scores
    higher than they do. labels `(N,)`: that were fixed before the rows were drawn. Raises InputError for fewer than 4
    rows, a row of zeros, or values that are not finite. Source: Friedman & Dieng 2023.
    """
    rows = feature_rows(features, least=FEWEST)
    lengths = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    if not lengths.all():
        raise InputError("a row of features is all 0, which has no direction: take another extractor")
    rows = rows / lengths
    groups = groups_of(len(rows), labels)
    squares = [_square(rows[groups == group]) for group in range(groups.max() + 1)]
    whole, counts = sum(squares[1:], start=squares[0]), np.bincount(groups)
    without = [_score((whole - part) / (len(rows) - count)) for part, count in zip(squares, counts, strict=True)]
    return jackknife(_score(whole / len(rows)), generated=[without], low=1.0, high=float(min(rows.shape)))


def _square(rows: Rows) -> Rows:
    return np.asarray(rows.T @ rows)


def _score(square: Rows) -> float:
    """Of XᵀX / N, whose eigenvalues are those of XXᵀ / N but for zeros, and sum to 1."""
    values = np.linalg.eigvalsh(square)
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))
