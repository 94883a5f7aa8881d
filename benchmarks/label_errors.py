"""Are the label errors of MNIST's test set that people have confirmed among the first that are named?

python benchmarks/label_errors.py --data-root path/to/data
python benchmarks/label_errors.py --data-root path/to/data --updates 800
python benchmarks/label_errors.py --data-root path/to/data --learn-from train --updates 2000

The fifteen are those of "Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks" (Northcutt,
Athalye & Mueller 2021): of the five people who were asked, most did not see the given label (mturk/mnist_mturk.json of
github.com/cleanlab/label-errors; without the images whose proposed label is the given one). Prints their ranks by
`elmyr recognizer doubts` on the test images alone, a row a seed, and by two rankings of others on the same
probabilities: how improbable the given label is, and by how much another one is more probable (cleanlab's
"self_confidence" and "normalized_margin"). With --learn-from train no folds are needed: a recognizer learns from the
60,000 training images, as nobody can who has the doubted images alone. The last row is by the mean of all
probabilities.
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


def told(read: Floats, given: NDArray[np.int64]) -> Sequence[str]:
    """Accuracy, how many are among the first by each ranking, and the ranks by elmyr's."""
    own = read[np.arange(len(given)), given]
    others = read.copy()
    others[np.arange(len(given)), given] = -1
    by = doubts_by(read, given).chance, -own, others.max(axis=1) - own
    among = [str(sum(each <= FIRST for each in ranks(doubt))) for doubt in by]
    accuracy = f"{100 * (read.argmax(axis=1) == given).mean():.2f} %"
    return accuracy, *among, ", ".join(map(str, ranks(by[0])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--updates", type=int, help="of each recognizer")
    parser.add_argument("--learn-from", choices=("test", "train"), default="test")
    parser.add_argument("--out", help="keep the probabilities of each seed in this .npy")
    options = parser.parse_args()
    source = open_source("mnist", options.data_root)
    images = source.test
    if images is None or len(images) != 10_000:
        raise SystemExit("MNIST's own 10,000 test images are needed")
    head = ("seed", "accuracy", f"of {len(CONFIRMED)} among the first {FIRST}", "by self-confidence", "by margin")
    print(f"| {' | '.join(head)} | ranks | seconds |\n|{' --- |' * (len(head) + 2)}")
    teachers = source.train if options.learn_from == "train" else None
    found, started = list[Floats](), time.monotonic()
    for read in probabilities(images, teachers, options):
        found.append(read)
        row = (str(len(found) - 1), *told(read, images.require_labels()), f"{time.monotonic() - started:.0f}")
        print(f"| {' | '.join(row)} |", flush=True)
        started = time.monotonic()
    print(f"| {' | '.join(('all', *told(np.mean(found, axis=0), images.require_labels()), ''))} |")
    if options.out:
        np.save(options.out, np.array(found))


if __name__ == "__main__":
    main()
