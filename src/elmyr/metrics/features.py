"""What the metrics of features ask of their input."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import numbers, plain

LARGEST, SMALLEST = 1e100, 1e-100  # past these the squares of features leave float64


def feature_rows(features: Any, *, name: str = "given", least: int = 2) -> NDArray[np.float64]:
    """Features `(N, D)` in float64, which may be a tensor's.

    InputError unless N >= `least`, D >= 1, every value is finite and the largest of them, unless all are 0, lies
    between 1e-100 and 1e100.
    """
    rows = plain(features, f"{name} features")
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"the {name} features have the shape {rows.shape}: give one row per image, (N, D)")
    if len(rows) < least:
        raise InputError(f"the {name} features have {len(rows)} rows: give at least {least}")
    rows = rows.astype(np.float64, copy=False)
    largest = max(rows.max(), -rows.min())
    if not np.isfinite(largest):
        numbers(rows, f"{name} features")
    if largest > LARGEST or 0 < largest < SMALLEST:
        raise InputError(
            f"the {name} features reach to {largest:.3g}, and their squares leave float64: bring them to the size of 1"
        )
    return rows


def feature_pair(real: Any, generated: Any, *, least: int = 2) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sets as `feature_rows`; InputError too where they differ in D."""
    a = feature_rows(real, name="real", least=least)
    b = feature_rows(generated, name="generated", least=least)
    same_columns(a, b)
    return a, b


def same_columns(real: NDArray[np.float64], generated: NDArray[np.float64]) -> None:
    """InputError where the two sets differ in D."""
    if real.shape[1] != generated.shape[1]:
        raise InputError(
            f"real features have {real.shape[1]} columns, generated {generated.shape[1]}: use one extractor for both"
        )


def row_labels(labels: Any, count: int) -> NDArray[np.int64]:
    """Labels `(count,)` in int64; InputError for another shape or what is no whole number."""
    found = plain(labels, "labels")
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise InputError(f"{count} features have labels of the shape {found.shape} ({found.dtype}): give each a number")
    return found.astype(np.int64)
