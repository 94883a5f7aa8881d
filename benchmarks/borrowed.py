"""New classes of few images beside classes with many: is it worth varying the few as images of the many differ?

Five classes have --many images each, the other five --few. `new`: a recognizer of the five small classes alone, which
may borrow the others: by pretraining, by variations (DAGAN), by both. `all`: a recognizer of all ten, whose small ones
are filled. The validation part has 200 training images a class that nothing learns from, the test part is the set's.

python benchmarks/borrowed.py --data fashion-mnist --out borrowed.jsonl
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr import Recognizer
from elmyr.core import seeds
from elmyr.images import ImageSet, image_grid, open_source, save_png
from elmyr.metrics import balanced_accuracy
from elmyr.tasks.recognition import resampled
from elmyr.tasks.variation import Variator, learn_variations

Row = dict[str, Any]
RATE = 2e-3
SHOWN, VARIATIONS = 2, 8  # images a class in the picture, and variations of each
VALIDATION = 200  # images a class
EVERY = 4  # in the filled classes, one of so many repeated images gives way to a variation of it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--data-root")
    parser.add_argument("--many", type=int, default=600)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--images", type=int, default=30_000, help="seen by the generator of variations")
    parser.add_argument("--updates", type=int, default=500, help="of each recognizer, pretraining among them")
    parser.add_argument("--arms", nargs="+", help="only these, by their names")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--variator", type=Path, help="a folder for the generator of the first seed")
    parser.add_argument("--picture", type=Path, help="images of the small classes, each before variations of it")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    source = open_source(options.data, options.data_root)
    assert source.test is not None, "a set with a test part of its own is needed"
    torch.set_num_threads(1)
    with options.out.open("a") as file:
        for seed in options.seeds:
            for row in rows_of(Regime(options, seed, source.train, source.test)):
                print(json.dumps(row), file=file, flush=True)
                print("{regime:4} {arm:32} validation {validation:.4f}  test {test:.4f}  {seconds:.0f} s".format(**row))


class Regime:
    """The images of one seed."""

    def __init__(self, options: argparse.Namespace, seed: int, train: ImageSet, test: ImageSet) -> None:
        self.options, self.seed = options, seed
        order = np.random.default_rng(seeds.derive(seed, "small classes")).permutation(len(train.classes))
        half = len(order) // 2
        self.large, self.small = (np.sort(part) for part in (order[:half], order[half:]))
        many, few = (
            train.take(_first(train, classes, count, seed))
            for classes, count in ((self.large, options.many), (self.small, options.few))
        )
        self.many, self.few, self.both = many, few, many + few
        every = np.arange(len(train.classes))
        seen, more = (_first(train, every, options.many + count, seed) for count in (0, VALIDATION))
        self.validation, self.test = train.take(np.setdiff1d(more, seen)), test

    def of_small(self, images: ImageSet) -> ImageSet:
        return images.take(np.flatnonzero(np.isin(images.require_labels(), self.small)))


def rows_of(regime: Regime) -> Iterator[Row]:
    options = regime.options
    started = time.process_time()
    if options.variator is not None and options.variator.is_dir():
        variator = Variator.load(options.variator)
    else:
        variator = learn_variations(regime.many, budget=options.images, seed=regime.seed)
        if options.variator is not None:
            variator.save(options.variator)
    learned = time.process_time() - started
    if options.picture is not None:
        picture(regime, variator, options.picture)
    for question, arms in (("new", new_classes(regime, variator)), ("all", all_classes(regime, variator))):
        validation, test = regime.validation, regime.test
        if question == "new":
            validation, test = regime.of_small(validation), regime.of_small(test)
        for name, train in arms.items():
            if options.arms is not None and name not in options.arms:
                continue
            started = time.process_time()
            recognizer = train()
            yield {
                "regime": question,
                "arm": name,
                "seed": regime.seed,
                "small": [regime.few.classes[label] for label in regime.small],
                "validation": read(recognizer, validation),
                "test": read(recognizer, test),
                "seconds": round(time.process_time() - started, 1),
                "seconds_of_variator": round(learned, 1),
                "images": options.images,
                "updates": options.updates,
            }


def new_classes(regime: Regime, variator: Variator) -> dict[str, Callable[[], Recognizer]]:
    few, updates = pair(regime.few), regime.options.updates
    varied = pair(variator.vary(regime.few, 10_000, seed=seeds.LEARNED_FROM))

    def own(method: str, share: float = 0.0) -> Callable[[], Recognizer]:
        return lambda: fresh(regime, method, updates, share).fit(*few, generated=varied if share else None)

    def after(method: str, share: float = 0.0, rate: float = 1.0) -> Callable[[], Recognizer]:
        def train() -> Recognizer:
            start = fresh(regime, method, updates // 2).fit(*pair(regime.many))
            recognizer = fresh(regime, method, updates - updates // 2, share).set_params(learning_rate=rate * RATE)
            return recognizer.fit(*few, generated=varied if share else None, start=start)

        return train

    return {
        "real + classical": own("augment"),
        "real + strong": own("strong"),
        "pretrained": after("augment"),
        "pretrained, a fifth of the rate": after("augment", rate=0.2),
        "pretrained, strong": after("strong"),
        "real + classical + 25 % varied": own("augment", 0.25),
        "real + classical + 50 % varied": own("augment", 0.5),
        "real + strong + 50 % varied": own("strong", 0.5),
        "pretrained + 50 % varied": after("augment", 0.5),
        "pretrained, strong + 50 % varied": after("strong", 0.5),
    }


def all_classes(regime: Regime, variator: Variator) -> dict[str, Callable[[], Recognizer]]:
    filled = resampled(regime.both, "random", seed=regime.seed)
    places = np.arange(len(regime.both) + EVERY - 1, len(filled), EVERY)
    pixels = filled.in_memory().copy()
    pixels[places] = variator.each_of(filled.take(places), seed=seeds.LEARNED_FROM).images
    varied = replace(filled, images=pixels)

    def by(method: str, images: ImageSet) -> Callable[[], Recognizer]:
        return lambda: fresh(regime, method, regime.options.updates).fit(*pair(images))

    return {
        "real + classical": by("augment", regime.both),
        "decoupled": by("decoupled", regime.both),
        "feature over-sampling": by("feature-oversampling", regime.both),
        "over-sampling": by("augment", filled),
        "over-sampling + 25 % varied": by("augment", varied),
    }


def fresh(regime: Regime, method: str, updates: int, share: float = 0.5) -> Recognizer:
    return Recognizer(method=method, updates=updates, seed=regime.seed, generated_share=share, learning_rate=RATE)


def pair(images: ImageSet) -> tuple[Any, NDArray[np.int64]]:
    return images.images, images.require_labels()


def read(recognizer: Recognizer, images: ImageSet) -> float:
    """The balanced accuracy."""
    return float(balanced_accuracy(recognizer.predict(images.images), images.require_labels()))


def picture(regime: Regime, variator: Variator, path: Path) -> None:
    shown = regime.few.take(_first(regime.few, regime.small, SHOWN, regime.seed))
    rows = shown.take(np.repeat(np.arange(len(shown)), VARIATIONS))
    made = variator.each_of(rows).images.reshape(len(shown), VARIATIONS, *shown.images.shape[1:])
    grid = np.concatenate([shown.in_memory()[:, None], made], 1)
    save_png(image_grid(grid.reshape(-1, *shown.images.shape[1:]), VARIATIONS + 1), path)


def _first(images: ImageSet, classes: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    labels = images.require_labels()
    order = np.random.default_rng(seeds.derive(seed, "drawn")).permutation(len(labels))
    return np.sort(np.concatenate([order[labels[order] == label][:count] for label in classes]))


if __name__ == "__main__":
    main()
