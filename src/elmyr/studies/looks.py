"""A study that adds seeds until it is decided: how sure each look has to be, so that all together err as one would."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from elmyr.metrics.intervals import LEVEL

MOST_LOOKS = 6
SPENT = 2  # the power of the share of the seeds by which error is spent: little at first
EDGE, STEP = 8.0, 1 / 256  # of the grid that the statistic's density lies on


def looks_of(first: int, most: int) -> tuple[int, ...]:
    """After how many seeds a study looks whether it is decided: from `first` to `most`, evenly, six times at most."""
    return tuple(sorted({round(each) for each in np.linspace(first, most, MOST_LOOKS)}))


def level_at(looks: Sequence[int], seeds: int) -> float:
    """The level of the interval after so many seeds; 0.95 where there is one look.

    All intervals hold the truth together in 95 % of studies (repeated confidence intervals, Jennison & Turnbull 1989).
    """
    if len(looks) < 2:
        return LEVEL
    place = looks.index(seeds)
    return 1 - errors_of(np.array(looks) / looks[-1])[place]


def errors_of(times: NDArray[np.float64]) -> list[float]:
    """The two-sided error of each look, at growing shares of the whole that end with 1, so that all make 1 − 0.95.

    Lan & DeMets (1983): the error spent by a share t is (1 − 0.95) t² (Kim & DeMets 1987), and the rest is found by
    recursive integration of a Brownian motion that no look before has stopped (Armitage, McPherson & Rowe 1969).
    """
    spent = (1 - LEVEL) * times**SPENT
    places = np.arange(-EDGE, EDGE + STEP / 2, STEP)
    found, density, before = [], np.zeros_like(places), 0.0
    density[len(places) // 2] = 1 / STEP
    for time, now, already in zip(times, spent, (0.0, *spent[:-1]), strict=True):
        width = sqrt(time - before)
        kernel = np.exp(-((places / width) ** 2) / 2)
        density = np.convolve(density, kernel / kernel.sum(), mode="same")
        tail = STEP * (np.cumsum(density[::-1])[::-1] - density / 2)  # of one side, from each place on
        half = len(places) // 2
        bound = float(np.interp(-(now - already) / 2, -tail[half:], places[half:]))
        found.append(float(2 * ndtr(-bound / sqrt(time))))
        density = np.where(np.abs(places) < bound, density, 0.0)
        before = time
    return found
