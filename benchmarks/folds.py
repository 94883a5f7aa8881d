"""How often does a verdict see a difference where there is none: by one split, five splits, five folds?

Three classes, ten features; two arms that see five of them each, equally informative, so that neither is better. "The
same features": an arm keeps its five, and what one sample of images favors, all splits favor; "drawn anew": each
training draws them, as a seed does. Prints the share of false alarms of a 95 % interval (wanted: at most 5 %) and its
mean half-width.

python benchmarks/folds.py --repeats 400
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from elmyr.images.dataset.split import TEST_SHARE, folds_of
from elmyr.metrics import FEWEST_SEEDS, balanced_weights, paired_difference

COUNTS = ((200, 60, 9), (60, 9, 9), (30, 30, 30), (12, 12, 12))
CENTERS = np.array([[0.0], [0.55], [-0.55]])
FOLDS = 5
Floats, Places = NDArray[np.float64], NDArray[np.int64]


def nearest_mean(training: Floats, labels: Places, test: Floats) -> Places:
    means = np.stack([training[labels == label].mean(0) for label in range(len(CENTERS))])
    return ((test[:, None] - means) ** 2).sum(2).argmin(1)


def nearest_image(training: Floats, labels: Places, test: Floats) -> Places:
    return labels[((test[:, None] - training[None]) ** 2).sum(2).argmin(1)]


LEARNERS: dict[str, Callable[[Floats, Places, Floats], Places]] = {
    "nearest mean": nearest_mean,
    "nearest image": nearest_image,
}


def random_parts(labels: Places, seeds: int, random: np.random.Generator) -> list[Places]:
    """So many test parts, a quarter of each class, each drawn by itself."""
    parts = []
    for _ in range(seeds):
        members = [random.permutation(np.flatnonzero(labels == label)) for label in range(len(CENTERS))]
        parts.append(np.concatenate([each[: max(1, round(len(each) * TEST_SHARE))] for each in members]))
    return parts


def folds(labels: Places, random: np.random.Generator) -> list[Places]:
    fold_of = folds_of(labels, FOLDS, random)
    return [np.flatnonzero(fold_of == fold) for fold in range(FOLDS)]


def one_study(
    features: Floats, labels: Places, tests: list[Places], learner: str, anew: bool, random: np.random.Generator
) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    """Whether each arm was right on each test image, an array a seed."""
    right: tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]]] = ([], [])
    for test in tests:
        rest = np.setdiff1d(np.arange(len(labels)), test)
        order = random.permutation(10) if anew else np.arange(10)
        for arm, seen in zip(right, (order[:5], order[5:]), strict=True):
            read = LEARNERS[learner](features[rest][:, seen], labels[rest], features[test][:, seen])
            arm.append(read == labels[test])
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=400)
    repeats, random = parser.parse_args().repeats, np.random.default_rng(0)
    ways = ("1 split", "5 splits", "5 folds, as if apart", "5 folds")
    print(f"| images a class | learner | features | measure | {' | '.join(ways)} |")
    print(f"| --- | --- | --- | --- |{' --- |' * len(ways)}")
    for counts, learner, anew in product(COUNTS, LEARNERS, (False, True)):
        labels = np.repeat(np.arange(len(counts)), counts)
        found: dict[tuple[str, str], list[tuple[bool, float]]] = {}
        for _ in range(repeats):
            features = CENTERS[labels] + random.normal(size=(len(labels), 10))
            splits, dealt = random_parts(labels, FOLDS, random), folds(labels, random)
            for way, tests in zip(ways, (splits[: FEWEST_SEEDS - 1], splits, dealt, dealt), strict=True):
                right = one_study(features, labels, tests, learner, anew, random)
                balanced = [balanced_weights(labels[test]) for test in tests]
                of = FOLDS if way == "5 folds" else None
                for measure, weights in (("accuracy", None), ("balanced", balanced)):
                    verdict = paired_difference(*right, tests, weights, folds=of)
                    alarm = not verdict.low <= 0 <= verdict.high
                    found.setdefault((measure, way), []).append((alarm, (verdict.high - verdict.low) / 2))
        for measure in ("accuracy", "balanced"):
            cells = [np.mean(found[measure, way], axis=0) for way in ways]
            told = " | ".join(f"{100 * alarms:.1f} % (±{100 * half:.0f})" for alarms, half in cells)
            features_told = "drawn anew" if anew else "the same"
            print(f"| {', '.join(map(str, counts))} | {learner} | {features_told} | {measure} | {told} |", flush=True)


if __name__ == "__main__":
    main()
