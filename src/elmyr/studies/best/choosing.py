"""Which recognizer of a study is the best: by validation alone, whatever it is made of; and how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any

from elmyr.metrics import mean_interval, wilson_interval
from elmyr.studies.config import StudyConfig

Content = Mapping[str, Any]  # of study.json


@dataclass(frozen=True)
class Chosen:
    """An arm of a cell (by its number), and the seed whose recognizer is handed over."""

    cell: int
    arm: str
    seed: int


def compared(cells: Sequence[Content]) -> list[Content]:
    """The cells of which one has the best recognizer: those that are judged alike, by what most images are.

    An accuracy says nothing beside a balanced accuracy: where cells differ in that, it is the measure of the one with
    the most labeled training images (the first of equals) that counts, and the others are left out.
    """
    measure = max(cells, key=lambda cell: int(cell["counts"]["train"]))["measure"]
    return [cell for cell in cells if cell["measure"] == measure]


def best_of_all(config: StudyConfig, cells: Sequence[Content]) -> Chosen:
    """The arm that is best on validation by the mean over seeds, and of it the seed that is; the first of equals.

    Validation parts are whole and right in every cell, so that cells of one measure are compared by them, too.
    """
    alike = compared(cells)
    ways = [(number, arm) for number, cell in enumerate(cells) if cell in alike for arm in cell["arms"]]
    number, arm = max(ways, key=lambda way: sum(way[1]["validation"]) / len(way[1]["validation"]))
    seed, _ = max(zip(config.seeds, arm["validation"], strict=True), key=lambda one: one[1])
    return Chosen(number, arm["name"], seed)


def interval_on_test(cell: Content, arm: Content) -> tuple[float, float, float]:
    """What an arm reads on the test part by the cell's measure, with a 95 % interval.

    The mean over seeds. The interval covers what another split and training would change (t over seeds) and what other
    test images would (Wilson, each image counted once), both distances added as squares; of one seed only the second.
    """
    over_seeds = mean_interval(arm["test"])
    below, above = _of_images(over_seeds.mean, cell, arm)
    if over_seeds.low is not None and over_seeds.high is not None:
        below = hypot(below, over_seeds.mean - over_seeds.low)
        above = hypot(above, over_seeds.high - over_seeds.mean)
    return over_seeds.mean, max(0.0, over_seeds.mean - below), min(1.0, over_seeds.mean + above)


def _of_images(mean: float, cell: Content, arm: Content) -> tuple[float, float]:
    """The distances to both ends by the number of test images; of balanced accuracy as the classes' add up."""
    if cell["measure"] != "balanced accuracy":
        count = sum(cell["tested"])
        low, high = wilson_interval(round(mean * count), count)
        return max(0.0, mean - low), max(0.0, high - mean)
    known = [
        (share, *ends) for share, ends in zip(arm["recalls"], arm["recall_intervals"], strict=True) if share is not None
    ]
    below = hypot(*(share - low for share, low, _ in known)) / len(known)
    return below, hypot(*(high - share for share, _, high in known)) / len(known)
