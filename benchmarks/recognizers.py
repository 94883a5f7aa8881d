"""Which size of recognizer? Weights, FLOPs, images/s and accuracy of several, trained on all labels; a row a size.

The last row is the tiny one again, taught by the largest instead of the labels.

python benchmarks/recognizers.py --data-root path/to/data --updates 4000
"""

from __future__ import annotations

import argparse
import time

import torch

from elmyr import Recognizer
from elmyr.images import ImageSet, open_source
from elmyr.metrics import wilson_interval
from elmyr.nets import cost_of
from elmyr.tasks.recognition import TINY

SIZES = [(TINY["base"], TINY["dimension"]), (16, 64), (32, 96), (48, 128)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-root")
    parser.add_argument("--updates", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    source = open_source(options.data, options.data_root)
    assert source.test is not None
    print(
        "| channels, features | weights | MFLOP an image | images/s, one thread | two | trained in | accuracy, 95 % |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    training = source.train
    for base, dimension in SIZES:
        recognizer = Recognizer(
            method="augment", updates=options.updates, base=base, dimension=dimension, seed=options.seed
        )
        started = time.monotonic()
        recognizer.fit(training.images, training.require_labels())
        print(row(f"{base}, {dimension}", recognizer, source.test, time.monotonic() - started), flush=True)
    tiny = Recognizer(method="augment", updates=options.updates, seed=options.seed, **TINY)
    started = time.monotonic()
    tiny.fit(training.images, recognizer.predict(training.images), teacher=recognizer)
    print(row("the first, taught", tiny, source.test, time.monotonic() - started), flush=True)


def row(name: str, recognizer: Recognizer, test: ImageSet, seconds: float) -> str:
    cost = cost_of(recognizer.net_, torch.zeros(1, test.channels, test.height, test.width))
    speeds = [speed(recognizer, test, threads) for threads in (1, 2)]
    right = round(recognizer.score(test.images, test.require_labels()) * len(test))
    low, high = wilson_interval(right, len(test))
    told = f"{right / len(test):.2%} ({low:.2%} to {high:.2%})"
    rates = " | ".join(f"{each:,.0f}" for each in speeds)
    return f"| {name} | {cost.parameters:,} | {cost.flops / 1e6:.1f} | {rates} | {seconds:,.0f} s | {told} |"


def speed(recognizer: Recognizer, images: ImageSet, threads: int) -> float:
    """Images a second, the best of five passes."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    best = 0.0
    for _ in range(5):
        started = time.monotonic()
        recognizer.predict_proba(images.images)
        best = max(best, len(images) / (time.monotonic() - started))
    torch.set_num_threads(before)
    return best


if __name__ == "__main__":
    main()
