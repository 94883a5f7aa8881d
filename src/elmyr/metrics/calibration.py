"""Whether probabilities mean what they say."""

import numpy as np
from numpy.typing import ArrayLike

from elmyr.core.errors import InputError


def calibration_error(probabilities: ArrayLike, labels: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error, in [0, 1]: the mean gap between the predicted probability and the accuracy.

    probabilities: (N, K); labels: int (N,). The images are put into `bins` equal intervals by the probability of their
    most likely class; the gaps of the intervals count by their images. Raises InputError where shapes do not fit.
    Source: Naeini, Cooper & Hauskrecht 2015 (expected calibration error).
    """
    rows, right = np.asarray(probabilities, np.float64), np.asarray(labels)
    if rows.ndim != 2 or right.shape != rows.shape[:1] or not len(right):
        raise InputError(f"probabilities are {rows.shape}, labels {right.shape}: give (N, K) and (N,), N at least 1")
    surest, hits = rows.max(1), rows.argmax(1) == right
    places = np.minimum((surest * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(places, surest - hits, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))
