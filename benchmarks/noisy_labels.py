"""How many wrong labels are found, and what is it worth? A row a seed and way to learn; then what a GAN adds.

A seed is a split, which labels are wrong, the folds and the recognizers. Prints first how the wrong ones were found:
of what was named the share that was wrong, and of all wrong ones the share that was named. With --gan, a run trained
on the same split with the same wrong labels (one seed), also by its discriminator: by its logits of each image with
each class, by the class that it reads, and by each of these together with the recognizers.

python benchmarks/noisy_labels.py --data-root path/to/data --images-per-class 500 --seeds 3
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from elmyr import Recognizer
from elmyr.images import ImageSet, Shaping, Source, open_source, split_source
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.checkpoints import class_logits_by
from elmyr.tasks.recognition.label_errors.estimate import (
    GAN_WEIGHT,
    Doubts,
    doubts_by,
    out_of_fold,
    with_corrections,
    without_suspects,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-root")
    parser.add_argument("--images-per-class", type=int)
    parser.add_argument("--noise", type=float, default=0.2)
    parser.add_argument("--precision", type=float, default=0.9)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--doubting", type=int, default=100, help="updates of each fold's recognizer")
    parser.add_argument("--updates", type=int, default=200, help="of the recognizers that are judged")
    parser.add_argument("--base", type=int, default=16, help="channels of all recognizers")
    parser.add_argument("--gan", metavar="RUN")
    options = parser.parse_args()
    source = open_source(options.data, options.data_root)
    errors: dict[str, list[float]] = {}
    print("| seed | images | by | named | of these wrong | of the wrong ones | estimated share | AUC | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for seed in range(options.first, options.first + options.seeds):
        for name, error in one_seed(options, source, seed).items():
            errors.setdefault(name, []).append(error)
    print("\n| learned from | test error, a seed each | mean |\n| --- | --- | --- |")
    for name, row in errors.items():
        print(f"| {name} | {', '.join(f'{error:.2%}' for error in row)} | {np.mean(row):.2%} |")


def one_seed(options: argparse.Namespace, source: Source, seed: int) -> dict[str, float]:
    """The test error of each way to learn."""
    shaping = Shaping(images_per_class=options.images_per_class, label_noise=options.noise)
    splits = split_source(source, seed, shaping)
    noisy = splits.train
    truth = split_source(source, seed, shaping.model_copy(update={"label_noise": 0.0})).train.require_labels()

    def recognizer(updates: int) -> Recognizer:
        return Recognizer(method="augment", updates=updates, base=options.base, dimension=64, seed=seed)

    started = time.monotonic()
    read = out_of_fold(noisy, recognizer(options.doubting), seed=seed)
    doubts = doubts_by(read, noisy.require_labels())
    tell(options, seed, "recognizers", doubts, truth, time.monotonic() - started)
    if options.gan:
        for name, more in by_gan(options, noisy, read).items():
            tell(options, seed, name, doubts_by(more, noisy.require_labels()), truth, None)
    learned_from = {
        "wrong labels among them": noisy,
        "without the suspects": without_suspects(noisy, doubts, options.precision),
        "with corrections": with_corrections(noisy, doubts, options.precision),
        "the true labels": replace(noisy, labels=truth),
    }
    test = splits.test
    return {
        name: 1 - recognizer(options.updates).fit(images.images, images.labels).score(test.images, test.labels)
        for name, images in learned_from.items()
    }


def by_gan(options: argparse.Namespace, images: ImageSet, read: NDArray[np.float64]) -> dict[str, Any]:
    """Probabilities (N, K) by what a discriminator says, alone and with what the recognizers read."""
    gan, everyone = open_gan(options.gan), np.ones(len(images), np.int64)
    numbers = range(len(images.classes))
    logits = np.stack([gan.discriminate(replace(images, labels=number * everyone)) for number in numbers], axis=1)
    reading = class_logits_by(options.gan, images)
    return {
        "the discriminator's logits": softmax(logits, axis=1),
        "the discriminator's class": softmax(reading, axis=1),
        "recognizers and its logits": softmax(np.log(read) + GAN_WEIGHT * logits, axis=1),
        "recognizers and its class": softmax(np.log(read) + GAN_WEIGHT * reading, axis=1),
    }


def tell(
    options: argparse.Namespace, seed: int, by: str, doubts: Doubts, truth: NDArray[np.int64], seconds: float | None
) -> None:
    wrong, suspects = doubts.given != truth, doubts.suspects(options.precision)
    precision = f"{wrong[suspects].mean():.1%}" if len(suspects) else ""
    found = f"{wrong[suspects].sum() / wrong.sum():.1%}"
    auc = roc_auc_score(wrong, doubts.chance)
    took = "" if seconds is None else f"{seconds:,.0f}"
    print(
        f"| {seed} | {len(truth):,} | {by} | {len(suspects):,} | {precision} | {found} | {doubts.share:.1%} "
        f"| {auc:.4f} | {took} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
