"""What helps without a GAN where some classes have few images, or where few images have a label? A row a training.

`tail`: a long tail (--images of the largest class, --ratio times as many as of the smallest), balanced accuracy.
`labels`: --labels over all classes, the other training images without theirs; error, and what the recognizer's own
predictions tell of unlabeled images, by which a seed is chosen without labels. Nothing is chosen by the test images.

python benchmarks/few.py tail --data-root path/to/data over-sampling logit-adjusted decoupled
python benchmarks/few.py labels --data-root path/to/data consistency rising
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr import Recognizer
from elmyr.images import ImageSet, Shaping, Splits, open_source, split_source
from elmyr.images.dataset.shaping import labeled_places
from elmyr.metrics import balanced_accuracy
from elmyr.tasks.recognition import GanOverSampler, resampled, unlabeled_score
from elmyr.tasks.recognition.learning.unlabeled import UnlabeledScore

Tell = Callable[[str], None]


class Way(NamedTuple):
    """Parameters of a recognizer, and the images that it learns from, by a seed and the options."""

    parameters: dict[str, Any]
    images: Callable[[ImageSet, int, argparse.Namespace], ImageSet] = lambda images, seed, options: images


def _filled(images: ImageSet, seed: int, options: argparse.Namespace) -> ImageSet:
    gan = options.gan and options.gan.format(seed=seed)
    sampler = GanOverSampler(gan=gan, images=options.gan_images, preset="residual", random_state=seed)
    pixels, labels = sampler.fit_resample(images.images, images.require_labels())
    return ImageSet(pixels, labels, images.classes)


TAIL = {
    "augment": Way({"method": "augment"}),
    "class weights": Way({"method": "augment", "class_weight": "balanced"}),
    "over-sampling": Way({"method": "augment"}, lambda images, seed, options: resampled(images, seed=seed)),
    "over-sampling, strong": Way({"method": "strong"}, lambda images, seed, options: resampled(images, seed=seed)),
    "logit-adjusted": Way({"method": "augment", "class_weight": "logit-adjusted"}),
    "decoupled": Way({"method": "decoupled"}),
    "GAN over-sampling": Way({"method": "augment"}, _filled),
    "GAN over-sampling, strong": Way({"method": "strong"}, _filled),
}
LABELS: dict[str, dict[str, Any]] = {
    "consistency": {},
    "rising": {"semi.consistency.rising": True},
    "soft": {"semi.consistency.soft": True},
    "rising, soft": {"semi.consistency.rising": True, "semi.consistency.soft": True},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["tail", "labels"])
    parser.add_argument("ways", nargs="*", help="of the table TAIL or LABELS; without any, all")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-root")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--updates", type=int, help="of every training, instead of its method's")
    parser.add_argument("--images", type=int, default=5000, help="tail: of the largest class")
    parser.add_argument("--ratio", type=float, default=100.0, help="tail: of the largest to the smallest class")
    parser.add_argument("--gan", help="tail: the run of a GAN that has seen the same images, with {seed} in its path")
    parser.add_argument("--gan-images", type=int, help="tail: else the budget of a GAN that is trained on the way")
    parser.add_argument("--labels", type=int, default=20, help="labels: over all classes")
    parser.add_argument("--draw", type=int, default=0, help="labels: which images have one")
    parser.add_argument("--out", type=Path, help="a file that the rows are appended to as well")
    options = parser.parse_intermixed_args()

    def tell(line: str) -> None:
        print(line, flush=True)
        if options.out:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    {"tail": tail, "labels": labels}[options.what](options, tell)


def tail(options: argparse.Namespace, tell: Tell) -> None:
    """A seed is a split, its images and the recognizer's weights."""
    tell("| way | seed | balanced accuracy, validation | test | seconds |")
    tell("| --- | --- | --- | --- | --- |")
    for name in options.ways or TAIL:
        reached = []
        for seed in options.seeds:
            shaping = Shaping(images_per_class=options.images, imbalance=options.ratio)
            splits = split_source(open_source(options.data, options.data_root, shaping), seed, shaping)
            way, started = TAIL[name], time.monotonic()
            learned = way.images(splits.train, seed, options)
            recognizer = Recognizer(updates=options.updates, seed=seed, **way.parameters)
            recognizer.fit(learned.images, learned.require_labels())
            reached.append(_balanced(recognizer, splits))
            validation, test = reached[-1]
            tell(f"| {name} | {seed} | {validation:.2%} | {test:.2%} | {time.monotonic() - started:,.0f} |")
        _tell_mean(tell, name, np.array(reached), " |")


def _balanced(recognizer: Recognizer, splits: Splits) -> tuple[float, float]:
    parts = (splits.validation, splits.test)
    validation, test = (balanced_accuracy(recognizer.predict(each.images), each.require_labels()) for each in parts)
    return validation, test


def labels(options: argparse.Namespace, tell: Tell) -> None:
    """A seed is the recognizer's alone: all trainings of a draw see the same labels."""
    source = open_source(options.data, options.data_root)
    splits = split_source(source, 0)
    training = splits.train if source.test is None else source.train
    known = training.require_labels()
    seen = labeled_places(training, Shaping(labels_per_class=options.labels // len(training.classes)), options.draw)
    y: NDArray[np.int64] = np.full(len(known), -1)
    y[seen] = known[seen]
    tell("| way | draw | seed | error, test | information | loss | margin | balance | seconds |")
    tell("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in options.ways or LABELS:
        found: list[tuple[float, UnlabeledScore]] = []
        for seed in options.seeds:
            started = time.monotonic()
            settings = LABELS[name] or None
            recognizer = Recognizer(method="consistency", updates=options.updates, seed=seed, settings=settings)
            recognizer.fit(training.images, y)
            score = unlabeled_score(recognizer, training)
            error = 1 - recognizer.score(splits.test.images, splits.test.require_labels())
            found.append((error, score))
            figures = f"{score.information:.4f} | {score.loss:.4f} | {score.margin:.4f} | {score.balance:.4f}"
            seconds = time.monotonic() - started
            tell(f"| {name} | {options.draw} | {seed} | {error:.2%} | {figures} | {seconds:,.0f} |")
        if len(found) > 1:
            chosen = max(found, key=lambda each: each[1].information)[0]
            tell(f"| {name}, the seed chosen without labels | {options.draw} | | {chosen:.2%} | | | | | |")
            _tell_mean(tell, name, np.array([[error] for error, _ in found]), " | | | | | |", of_draw=options.draw)


def _tell_mean(tell: Tell, name: str, rows: NDArray[np.float64], rest: str, of_draw: int | None = None) -> None:
    if len(rows) < 2:
        return
    cells = [f"{mean:.2%} ± {sd:.2%}" for mean, sd in zip(rows.mean(0), rows.std(0, ddof=1), strict=True)]
    draw = "" if of_draw is None else f" {of_draw} |"
    tell(f"| {name} |{draw} mean ± sd | {' | '.join(cells)} |{rest}")


if __name__ == "__main__":
    main()
