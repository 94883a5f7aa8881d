"""Ranks, for figures that ask only which of two values is larger."""

import numpy as np
from numpy.typing import NDArray


def mid_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ranks, from 1 on, of values `(N,)`; equal ones share the mean of theirs.

    As `scipy.stats.rankdata`, which takes as long to import as all that a training needs beside torch.
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    means = counts.cumsum() - (counts - 1) / 2
    return np.asarray(means[places], np.float64)
