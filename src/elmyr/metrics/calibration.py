"""Whether probabilities mean what they say."""

from typing import Any

import numpy as np

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import probability_rows
from elmyr.metrics.features import row_labels


def calibration_error(probabilities: Any, labels: Any, *, bins: int = 15) -> float:
    """Expected calibration error, in [0, 1]: the mean gap between the predicted probability and the accuracy.

    probabilities: (N, K); labels: int (N,). The images are put into `bins` equal intervals by the probability of their
    most likely class; the gaps of the intervals count by their images. Raises InputError where shapes do not fit, for
    what is no probability or no label, and for fewer than 1 interval.
    Source: Naeini, Cooper & Hauskrecht 2015 (expected calibration error).
    """
    if bins != int(bins) or bins < 1:
        raise InputError(f"there are {bins} bins: give 1 or more")
    rows = probability_rows(probabilities, least=1)
    right = row_labels(labels, len(rows))
    surest, hits = rows.max(1), rows.argmax(1) == right
    places = np.minimum((surest * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(places, surest - hits, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))
