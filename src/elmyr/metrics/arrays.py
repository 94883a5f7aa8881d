"""What the metrics take for an array: lists, arrays of any precision, tensors; what they refuse; and ranks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError

LARGEST_WHOLE = 2.0**53  # past which float64 has no whole numbers of its own
HALF_PRECISION, SINGLE_PRECISION = 5e-3, 1e-5  # how far the sum of a softmax is off


def plain(values: Any, name: str) -> NDArray[Any]:
    """An array of what may be a tensor, on any device, with a gradient or in bfloat16, which numpy does not have.

    Raises InputError for what is no array of numbers.
    """
    detach = getattr(values, "detach", None)
    if detach is not None:
        values = detach().cpu()
        values = values.double() if values.is_floating_point() else values
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"the {name} are no array: give rows of one length") from None
    if array.dtype.kind not in "biuf" and array.size:
        raise InputError(f"the {name} are of the type {array.dtype}: give numbers")
    return array


def numbers(values: Any, name: str) -> NDArray[np.float64]:
    """The same in float64; InputError too for NaN or infinity."""
    array = plain(values, name).astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise InputError(f"the {name} hold NaN or infinity: look at what made them")
    return array


def flags(values: Any, name: str) -> NDArray[np.bool_]:
    """Yes or no `(N,)`, bool or 0 and 1; InputError for anything else."""
    array = plain(values, name)
    if array.ndim != 1 or not ((array == 0) | (array == 1)).all():
        raise InputError(f"the {name} have the shape {array.shape} ({array.dtype}): give True or False for each image")
    return array.astype(bool)


def whole(values: Any, name: str) -> NDArray[np.int64]:
    """Whole numbers in int64; InputError for others."""
    array = plain(values, name)
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        if not ((abs(array) <= LARGEST_WHOLE) & (array == np.floor(array))).all():
            raise InputError(f"the {name} are not whole numbers: give integers")
    return array.astype(np.int64)


def probability_rows(values: Any, *, least: int) -> NDArray[np.float64]:
    """Probabilities `(N, K)` of which each row sums to 1.

    What half precision has rounded, by up to half a percent, is brought back to 1. Raises InputError for fewer rows
    than `least` and for what is no probability.
    """
    rows = numbers(values, "probabilities")
    if rows.ndim != 2 or len(rows) < least or not rows.shape[1]:
        raise InputError(f"the probabilities have the shape {rows.shape}: give (N, K), N at least {least}")
    sums = rows.sum(axis=1)
    if (rows < 0).any() or not np.allclose(sums, 1, rtol=0, atol=HALF_PRECISION):
        raise InputError("the probabilities of an image are at least 0 and sum to 1: give a softmax's output")
    return rows if np.allclose(sums, 1, rtol=0, atol=SINGLE_PRECISION) else rows / sums[:, None]


def mid_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ranks, from 1 on, of values `(N,)`; equal ones share the mean of theirs.

    As `scipy.stats.rankdata`, which takes as long to import as all that a training needs beside torch.
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    means = counts.cumsum() - (counts - 1) / 2
    return np.asarray(means[places], np.float64)
