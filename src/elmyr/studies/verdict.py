"""The verdict of a cell: the best arm with a GAN minus the best without, both chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.metrics import PairedDifference, balanced_weights, paired_difference
from elmyr.metrics.intervals import LEVEL
from elmyr.studies.arms import Arm
from elmyr.studies.arms.withstanding import judging_attack
from elmyr.studies.config import FAIR_SEEDS, Cell
from elmyr.studies.work.ledger import Result


@dataclass(frozen=True)
class Trial:
    """An arm's results, an entry a seed; repeats: of other recognizers on the same GANs and splits, an entry a seed."""

    arm: Arm
    results: Sequence[Result]
    repeats: Sequence[Sequence[Result]] = ()

    @property
    def trainings(self) -> list[list[Result]]:
        """Of each seed all that it was trained."""
        more = self.repeats or [()] * len(self.results)
        return [[first, *others] for first, others in zip(self.results, more, strict=True)]

    @property
    def validation(self) -> float:
        """The mean over seeds of what chooses the arm; its repeats have no say."""
        return float(np.mean([result.validation for result in self.results]))

    def test(self, measure: str) -> float:
        """The mean over seeds of what it is judged by."""
        return float(np.mean(self.of_seeds(measure)))

    def of_seeds(self, measure: str) -> list[float]:
        """What it reached with each seed on the test part; of several recognizers their mean."""
        return [float(np.mean([each.test[measure] for each in of_seed])) for of_seed in self.trainings]


@dataclass(frozen=True)
class Judged:
    """The test images of a seed: their places in the source (N,), int64, and their labels (N,)."""

    places: NDArray[np.int64]
    labels: NDArray[np.int64]


def trainings_of(trials: Sequence[Trial], *, uses_gan: bool) -> int:
    """How many recognizers a side has chosen from: one an arm, in studies of before one for each of its shares."""
    sides = [trial.results[0].validation_by_share for trial in trials if trial.arm.uses_gan == uses_gan]
    return sum(max(1, len(shares)) for shares in sides)


def best_of(trials: Sequence[Trial], *, uses_gan: bool) -> Trial:
    """The arm with, or without, a GAN that is best on validation; the first of equals."""
    return max((trial for trial in trials if trial.arm.uses_gan == uses_gan), key=lambda trial: trial.validation)


def difference_of(
    cell: Cell, one: Trial, other: Trial, tested: Sequence[Judged], level: float = LEVEL
) -> PairedDifference:
    """What the one arm reads better than the other, by the cell's measure, paired by seed and test image."""
    correct, other_correct = (
        [
            np.array([each.read == test.labels for each in of_seed])
            for of_seed, test in zip(trial.trainings, tested, strict=True)
        ]
        for trial in (one, other)
    )
    weights = [balanced_weights(test.labels) for test in tested] if cell.measure == "balanced accuracy" else None
    places = [test.places for test in tested]
    return paired_difference(correct, other_correct, places, weights, cell.shaping.folds, level)


def verdict_of(
    cell: Cell, trials: Sequence[Trial], tested: Sequence[Judged], training_images: int, level: float = LEVEL
) -> dict[str, Any]:
    """Outcome, sentence, the difference with its interval of a level, and the two arms, as JSON values."""
    with_gan, without = best_of(trials, uses_gan=True), best_of(trials, uses_gan=False)
    difference = difference_of(cell, with_gan, without, tested, level)
    trainings = {uses_gan: trainings_of(trials, uses_gan=uses_gan) for uses_gan in (True, False)}
    sentence = _sentence(difference, with_gan, without, cell, training_images)
    chose_by_seed = any(len(trial.results[0].validation_by_share) > 1 for trial in trials)
    if difference.outcome == "better" and chose_by_seed and trainings[True] > trainings[False]:
        # As studies of before chose: each seed its best, of more trainings than the other side had.
        sentence += f" It had the best of {trainings[True]} trainings a seed, the other side of {trainings[False]}."
    return {
        "outcome": difference.outcome,
        "sentence": sentence,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "best_with": with_gan.arm.name,
        "best_without": without.arm.name,
        "trainings_with": trainings[True],
        "trainings_without": trainings[False],
        "seeds": difference.seeds,
        "recognizers": len(with_gan.trainings[0]),
        "parts": None if difference.parts is None else difference.parts._asdict(),
        "images": difference.images,
        "terms": [list(map(float, term)) for term in difference.terms],
    }


def _sentence(difference: PairedDifference, with_gan: Trial, without: Trial, cell: Cell, training_images: int) -> str:
    trouble = "" if cell.name == "all images" else f" ({cell.name})"
    count = f"With {training_images:,} labeled training images{trouble}"
    before, after = (f"{100 * trial.test(cell.measure):.2f} %" for trial in (without, with_gan))
    of = "of the test images"
    if cell.measure != "accuracy":
        plain = " to ".join(f"{100 * trial.test('accuracy'):.2f} %" for trial in (without, with_gan))
        attacked = "" if cell.robust is None else f", attacked by {judging_attack(cell.robust).told}"
        of = f"{cell.measure} on the test images{attacked} (accuracy: {plain})"
    sides = f"from {before} ('{without.arm.name}') to {after} ('{with_gan.arm.name}') {of}"
    low, high = (f"{100 * end:+.2f}".replace("-", "\u2212") for end in (difference.low, difference.high))
    count_each = len(with_gan.trainings[0])
    mean = f", each the mean of {count_each} recognizers a seed" if count_each > 1 else ""
    interval = f"{low} to {high} percentage points at 95 %{mean}"
    words = {
        "not decided": f"{count}, one training each: not decided. It went {sides}, and another split and training may "
        f"turn that around: decide it with --seeds {FAIR_SEEDS}.",
        "better": f"{count}, the GAN makes the recognizer better: {sides}; {interval}.",
        "worse": f"{count}, the GAN makes the recognizer worse: {sides}; {interval}.",
        "no significant effect": f"{count}, the GAN has no significant effect: {sides}; {interval}.",
    }
    return words[difference.outcome]


@dataclass(frozen=True)
class Changed:
    """A test image that the two arms classify differently. place: in the source; label: its own.

    without, with_gan: the most frequent predictions; share: of the trainings that tested it, those where one arm alone
    is right.
    """

    place: int
    label: int
    without: int
    with_gan: int
    share: float


def changed_by(
    with_gan: Trial, without: Trial, tested: Sequence[Judged], most: int
) -> tuple[list[Changed], list[Changed]]:
    """The images that the GAN fixed, and those that it broke, the surest first: those of most seeds."""
    pairs = [  # of several recognizers a seed, those of both sides that have the same number
        (test, one.read, other.read)
        for test, of_one, of_other in zip(tested, with_gan.trainings, without.trainings, strict=True)
        for one, other in zip(of_one, of_other, strict=False)
    ]
    places = np.concatenate([test.places for test, *_ in pairs])
    labels = np.concatenate([test.labels for test, *_ in pairs])
    read_with, read_without = (np.concatenate([pair[side] for pair in pairs]) for side in (1, 2))
    gain = (read_with == labels).astype(float) - (read_without == labels)
    unique, which = np.unique(places, return_inverse=True)
    of_images = np.bincount(which, weights=gain) / np.bincount(which)

    def changed(order: NDArray[np.int64], sign: int) -> list[Changed]:
        found = []
        for image in order[:most]:
            if sign * of_images[image] <= 0:
                break
            rows = np.flatnonzero((which == image) & (sign * gain > 0))
            found.append(
                Changed(
                    place=int(unique[image]),
                    label=int(labels[rows[0]]),
                    without=_most_often(read_without[rows]),
                    with_gan=_most_often(read_with[rows]),
                    share=float(sign * of_images[image]),
                )
            )
        return found

    return changed(np.argsort(-of_images, kind="stable"), 1), changed(np.argsort(of_images, kind="stable"), -1)


def _most_often(read: NDArray[np.int64]) -> int:
    return int(np.bincount(read).argmax())
