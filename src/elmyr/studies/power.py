"""How many seeds a study needs to find a difference, before anything is trained: by what is assumed of its variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import chdtri, ndtr

from elmyr.core.errors import InputError
from elmyr.images import split_source
from elmyr.metrics import FEWEST_SEEDS
from elmyr.metrics.intervals import Term, half_width_of
from elmyr.studies.cell_data import MOST_TESTED, opened
from elmyr.studies.config import StudyConfig

POWER = 0.8  # of studies that find a difference, where it is there
SPREADS = (0.2, 0.5, 1.0, 2.0)  # standard deviations of a difference over trainings, in percentage points
OF_GANS = 0.3  # share of that variance that GANs and splits bring, and recognizers do not
APART = 0.02  # share of the test images that one side alone gets right
MOST = 200
DETECTED = 1.0  # percentage points, unless something else is asked for
QUANTILES = (np.arange(32) + 0.5) / 32


@dataclass(frozen=True)
class JudgedOn:
    """What a seed is tested on: so many images, the same for all seeds or others in each; or a fold of so many."""

    images: int
    shared: bool
    folds: int | None = None


def power_of(points: float, spread: float, seeds: int, tested: JudgedOn, recognizers: int = 1) -> float:
    """How often so many seeds find a difference of `points` percentage points, which varies by `spread` over trainings.

    By normal approximation, averaged over what the variance over seeds may be found to be (chi-squared). Several
    recognizers a seed take away from 70 % of the variance over trainings.
    """
    difference, sd = points / 100, spread / 100 * sqrt(OF_GANS + (1 - OF_GANS) / recognizers)
    of_images = APART / (tested.images * (1 if tested.shared else seeds))
    if tested.shared:
        true, found = sd**2 / seeds + of_images, sd**2
    else:
        true, found = sd**2 / seeds + of_images, sd**2 + APART / tested.images
    images = 0.0 if tested.folds else of_images  # there the variance over folds holds it
    factor = 1 / seeds + (1 / (tested.folds - 1) if tested.folds else 0.0)
    halves = np.array([
        half_width_of([Term(found * factor * chi / (seeds - 1), seeds - 1), Term(images, tested.images - 1)])
        for chi in chdtri(seeds - 1, QUANTILES)
    ])  # fmt: skip
    return float(ndtr((difference - halves) / sqrt(true)).mean())


def seeds_for(points: float, spread: float, tested: JudgedOn, recognizers: int = 1) -> int | None:
    """The fewest seeds that find such a difference in 80 % of studies; None where even 200 do not."""
    if not 0 < points < 100:
        raise InputError(f"--detect is {points:g}: give percentage points, above 0 and below 100, such as 1")
    if power_of(points, spread, MOST, tested, recognizers) < POWER:
        return None
    few, many = FEWEST_SEEDS - 1, MOST  # too few, and enough
    while many - few > 1:
        middle = (few + many) // 2
        enough = power_of(points, spread, middle, tested, recognizers) >= POWER
        few, many = (few, middle) if enough else (middle, many)
    return many


def seeds_to_decide(
    difference: float, terms: Sequence[Sequence[float]], tested: JudgedOn, now: int, pool: int, most: int
) -> int | None:
    """The fewest seeds, more than `now` and up to `most`, whose interval of such a difference would leave 0 out.

    terms: the squared errors, with their degrees of freedom, that `now` seeds found: over seeds and of test images.
    The first falls with the seeds, of folds down to that of their overlap (Nadeau & Bengio 2003). The second stays
    where all seeds share a test part; else it falls as well, until all images of the `pool` were tested.
    """
    (over_seeds, _), (of_images, freedom) = terms
    overlap = 1 / (tested.folds - 1) if tested.folds else 0.0
    variance = over_seeds / (1 / now + overlap)
    for seeds in range(now + 1, most + 1):
        still = 1.0 if tested.shared else max(now / seeds, min(1.0, tested.images / pool))
        images = Term(of_images * still, freedom / still)
        if half_width_of([Term(variance * (1 / seeds + overlap), seeds - 1), images]) < abs(difference):
            return seeds
    return None


def seeds_needed(config: StudyConfig, points: float = DETECTED) -> dict[float, int | None]:
    """The seeds that a study needs to find such a difference, for each spread over trainings that may be; as above."""
    source = opened(config)
    images = len(split_source(source, config.seeds[0], config.shaping).test)
    images = images if config.robust is None else min(images, MOST_TESTED)
    tested = JudgedOn(images, source.test is not None, config.shaping.folds)
    return {spread: seeds_for(points, spread, tested, config.recognizers) for spread in SPREADS}
