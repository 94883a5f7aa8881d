"""Perceptual path length: how much images change on a short step between two latents.

Karras, Laine & Aila 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from elmyr.core.errors import InputError
from elmyr.metrics.features import feature_pair
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife

STEP = 1 / 16  # of the way: pixels are whole numbers, which a step of 1 / 10,000 would not change
LOW, HIGH = 1, 99  # percentiles, beyond which steps are left out, as in the published code
FEWEST = 4  # paths


def path_length(first: Any, last: Any, *, step: float = STEP) -> Estimate:
    """The mean squared distance of features at both ends of a step, divided by the step's square: from 0 up.

    first, last: features `(N, D)` of images that are `step` of the way apart on each of N paths, 0 < step <= 1. Steps
    beyond the 1st and the 99th percentile are left out. Less is smoother; of one extractor only. Raises InputError for
    fewer than 4 paths, sides that are not alike, or values that are not finite. Source: Karras et al. 2019.
    """
    a, b = feature_pair(first, last, least=FEWEST)
    if len(a) != len(b):
        raise InputError(f"{len(a)} steps begin and {len(b)} end: give both ends of each")
    if not 0 < step <= 1:
        raise InputError(f"a step is {step} of the way: give a share above 0, at most 1")
    values = ((b - a) ** 2).sum(axis=1) / step**2
    low, high = np.percentile(values, LOW, method="lower"), np.percentile(values, HIGH, method="higher")
    kept = values[(low <= values) & (values <= high)]
    groups = groups_of(len(kept))
    without = [float(kept[groups != group].mean()) for group in range(groups.max() + 1)]
    return jackknife(float(kept.mean()), generated=[without], low=0.0)
