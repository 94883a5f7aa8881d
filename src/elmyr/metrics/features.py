"""What the metrics of features ask of their input."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError


def feature_rows(features: ArrayLike, *, name: str = "given", least: int = 2) -> NDArray[np.float64]:
    """Features `(N, D)` in float64; InputError unless N >= `least`, D >= 1 and every value is finite."""
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"the {name} features have the shape {rows.shape}: give one row per image, (N, D)")
    if len(rows) < least:
        raise InputError(f"the {name} features have {len(rows)} rows: give at least {least}")
    if not np.isfinite(rows).all():
        raise InputError(f"the {name} features hold NaN or infinity: look at the network that made them")
    return rows


def feature_pair(
    real: ArrayLike, generated: ArrayLike, *, least: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def row_labels(labels: ArrayLike, count: int) -> NDArray[np.int64]:
    """Labels `(count,)` in int64; InputError for another shape or what is no whole number."""
    numbers = np.asarray(labels)
    if numbers.shape != (count,) or numbers.dtype.kind not in "iu":
        raise InputError(
            f"{count} features have labels of the shape {numbers.shape} ({numbers.dtype}): give each a number"
        )
    return numbers.astype(np.int64)
