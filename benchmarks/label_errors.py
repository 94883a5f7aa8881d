"""Are the label errors of MNIST's test set that people have confirmed among the first that are named?

python benchmarks/label_errors.py --data-root path/to/data --seeds 4 --out folds.npy
python benchmarks/label_errors.py --data-root path/to/data --learn-from train --updates 2000 --seeds 1 --out train.npy
python benchmarks/label_errors.py --data-root path/to/data --stored folds.npy train.npy

The fifteen are those of "Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks" (Northcutt,
Athalye & Mueller 2021): of the five people who were asked, most did not see the given label (mturk/mnist_mturk.json of
github.com/cleanlab/label-errors; without the images whose proposed label is the given one). The 87 candidates are all
images of that file with another proposed label. Prints the ranks of the fifteen by `elmyr recognizer doubts` on the
test images alone, a row a seed, and by rankings of others on the same probabilities: how improbable the given label is,
by how much another one is more probable (cleanlab's "self_confidence" and "normalized_margin"), the latter with each
class's probabilities brought to one mean (its "adjust_pred_probs"), and how improbable the given label is for how sure
the recognizer is (its "confidence_weighted_entropy"). With --learn-from train no folds are needed: a recognizer learns
from the 60,000 training images, as nobody can who has the doubted images alone. The last row is by the mean of all
probabilities. With --stored nothing is trained: probabilities that were kept are compared, and their mean over files.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elmyr.images import ImageSet, open_source
from elmyr.tasks.recognition import Recognizer, doubting
from elmyr.tasks.recognition.label_errors.estimate import doubts_by, out_of_fold

CONFIRMED = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)
CANDIDATES = (
    247, 259, 321, 340, 445, 449, 582, 619, 717, 726, 740, 810, 947, 1014, 1033, 1039, 1112, 1226, 1232, 1299, 1393,
    1530, 1621, 1681, 1709, 1901, 2035, 2043, 2109, 2130, 2135, 2182, 2293, 2406, 2462, 2597, 2654, 2896, 2921, 2927,
    2939, 3060, 3073, 3206, 3422, 3520, 3558, 3597, 3767, 3778, 3850, 3869, 3906, 4007, 4201, 4207, 4224, 4497, 4639,
    4783, 4823, 4860, 4874, 4880, 4956, 4978, 5887, 5937, 5955, 6505, 6572, 6576, 6597, 6625, 6651, 6783, 7434, 8094,
    8408, 8527, 9009, 9634, 9642, 9664, 9679, 9729, 9755,
)  # fmt: skip
FIRST = 50

Floats = NDArray[np.float64]


def probabilities(images: ImageSet, teachers: ImageSet | None, options: argparse.Namespace) -> Iterator[Floats]:
    """For each seed what a recognizer reads in the images that has not seen them."""
    for seed in range(options.seeds):
        if teachers is None:
            yield out_of_fold(images, doubting(images, updates=options.updates), folds=options.folds, seed=seed)
        else:
            recognizer = Recognizer(method="augment", updates=options.updates, seed=seed)
            yield recognizer.fit(teachers.images, teachers.require_labels()).predict_proba(images.images)


def ranks(doubt: Floats) -> list[int]:
    """Of the confirmed errors, from 1 on."""
    rank = np.empty(len(doubt), np.int64)
    rank[np.argsort(-doubt, kind="stable")] = np.arange(1, len(doubt) + 1)
    return sorted(rank[list(CONFIRMED)].tolist())


def margin(read: Floats, given: NDArray[np.int64]) -> Floats:
    """By how much another label is more probable than the given one."""
    others = read.copy()
    others[np.arange(len(given)), given] = -1
    return np.asarray(others.max(axis=1) - read[np.arange(len(given)), given])


def rankings(read: Floats, given: NDArray[np.int64]) -> dict[str, Floats]:
    """How doubtful each label is, by several ways to see it."""
    own = read[np.arange(len(given)), given]
    usual = np.array([read[given == label, label].mean() for label in range(read.shape[1])])
    adjusted = read - usual + usual.max()
    adjusted /= adjusted.sum(axis=1, keepdims=True)
    entropy = -(read * np.log(np.maximum(read, 1e-12))).sum(axis=1)
    return {
        "elmyr's": doubts_by(read, given).chance,
        "self-confidence": -own,
        "margin": margin(read, given),
        "adjusted margin": margin(adjusted, given),
        "confidence for the entropy": -own / (entropy + 1e-9),
    }


def told(read: Floats, given: NDArray[np.int64]) -> Sequence[str]:
    """What is read otherwise, how many are among the first by each ranking, candidates among them, elmyr's ranks."""
    by, otherwise = rankings(read, given), read.argmax(axis=1) != given
    among = [str(sum(each <= FIRST for each in ranks(doubt))) for doubt in by.values()]
    first = np.argsort(-by["elmyr's"], kind="stable")[:FIRST]
    of_confirmed = otherwise[list(CONFIRMED)].sum()
    return (
        f"{100 * (1 - otherwise.mean()):.2f} %",
        f"{otherwise.sum()}, {of_confirmed}",
        *among,
        str(len(np.intersect1d(first, CANDIDATES))),
        ", ".join(map(str, ranks(by["elmyr's"]))),
    )


def compare_stored(files: Sequence[str], given: NDArray[np.int64]) -> None:
    """Prints a row for each file's mean, and one for the mean of these."""
    means = [np.load(file).mean(axis=0) for file in files]
    for name, read in [*zip(files, means, strict=True), ("all", np.mean(means, axis=0))]:
        print(f"| {' | '.join((name, *told(read, given), ''))} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--updates", type=int, help="of each recognizer")
    parser.add_argument("--learn-from", choices=("test", "train"), default="test")
    parser.add_argument("--out", help="keep the probabilities of each seed in this .npy")
    parser.add_argument("--stored", nargs="+", help="probabilities that --out has kept, in place of a training")
    options = parser.parse_args()
    source = open_source("mnist", options.data_root)
    images = source.test
    if images is None or len(images) != 10_000:
        raise SystemExit("MNIST's own 10,000 test images are needed")
    given = images.require_labels()
    names = [f"of {len(CONFIRMED)} among the first {FIRST}: {name}" for name in rankings(np.eye(10)[given], given)]
    head = ("seed", "accuracy", "read otherwise, of the 15", *names, f"candidates in {FIRST}", "ranks", "seconds")
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    if options.stored:
        compare_stored(options.stored, given)
        return
    teachers = source.train if options.learn_from == "train" else None
    found, started = list[Floats](), time.monotonic()
    for read in probabilities(images, teachers, options):
        found.append(read)
        row = (str(len(found) - 1), *told(read, given), f"{time.monotonic() - started:.0f}")
        print(f"| {' | '.join(row)} |", flush=True)
        started = time.monotonic()
    print(f"| {' | '.join(('all', *told(np.mean(found, axis=0), given), ''))} |")
    if options.out:
        np.save(options.out, np.array(found))


if __name__ == "__main__":
    main()
