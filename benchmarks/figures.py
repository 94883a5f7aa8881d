"""How long do the figures of N against N images take, and how much memory? Prints a table.

python benchmarks/figures.py --count 10000
python benchmarks/figures.py --count 50000 --figure precision_recall
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from elmyr import metrics

DIMENSION, CLASSES = 96, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--figure", help="only this one")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    a, b = (random.normal(size=(options.count, DIMENSION)) * scale for scale in (1, 1.05))
    labels = np.arange(options.count) % CLASSES
    shares = random.dirichlet(np.ones(CLASSES), options.count)
    figures: dict[str, Callable[[], object]] = {
        "frechet_distance": partial(metrics.frechet_distance, a, b),
        "frechet_distance_at_infinity": partial(metrics.frechet_distance_at_infinity, a, b),
        "class_frechet_distances": partial(metrics.class_frechet_distances, a, labels, b, labels),
        "kernel_distance": partial(metrics.kernel_distance, a, b),
        "precision_recall": partial(metrics.precision_recall, a, b),
        "density_coverage": partial(metrics.density_coverage, a, b),
        "inception_score": partial(metrics.inception_score, shares),
        "diversity": partial(metrics.diversity, b, labels),
        "class_divergence": partial(metrics.class_divergence, labels, labels, CLASSES),
        "told_apart": partial(metrics.discriminator_accuracy, a[:, 0], b[:, 0]),
    }
    print(f"{options.count:,} against as many rows of {DIMENSION} features\n")
    print("| figure | seconds |\n| --- | --- |")
    begun = time.monotonic()
    for name, take in figures.items():
        if options.figure in (None, name):
            started = time.monotonic()
            take()
            print(f"| {name} | {time.monotonic() - started:.2f} |", flush=True)
    print(f"| all of these | {time.monotonic() - begun:.1f} |")
    print(f"\nlargest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
