"""Are the label errors of MNIST's test set that people have confirmed among the first that are named?

python benchmarks/label_errors.py --data-root path/to/data

The fifteen are those of "Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks" (Northcutt,
Athalye & Mueller 2021): of the five people who were asked, most did not see the given label (mturk/mnist_mturk.json of
github.com/cleanlab/label-errors; without the images whose proposed label is the given one). Prints their ranks by
`elmyr recognizer doubts` on the test images alone, a row a seed.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from elmyr.images import open_source
from elmyr.tasks.recognition import doubting, doubts_of

CONFIRMED = (947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729)
FIRST = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--updates", type=int, help="of each fold's recognizer")
    options = parser.parse_args()
    images = open_source("mnist", options.data_root).test
    if images is None or len(images) != 10_000:
        raise SystemExit("MNIST's own 10,000 test images are needed")
    print(f"| seed | of {len(CONFIRMED)} among the first {FIRST} | ranks | seconds |\n| --- | --- | --- | --- |")
    for seed in range(options.seeds):
        started = time.monotonic()
        recognizer = doubting(images, updates=options.updates)
        found = doubts_of(images, recognizer=recognizer, folds=options.folds, seed=seed, quiet=True)
        rank = np.empty(len(images), np.int64)
        rank[np.argsort(-found.chance, kind="stable")] = np.arange(1, len(images) + 1)
        ranks = sorted(rank[list(CONFIRMED)].tolist())
        among = sum(each <= FIRST for each in ranks)
        print(f"| {seed} | {among} | {', '.join(map(str, ranks))} | {time.monotonic() - started:.0f} |", flush=True)


if __name__ == "__main__":
    main()
