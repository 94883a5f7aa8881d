"""Does it help to choose among generated images? Recognizers that learn from them, by choice; a row a choice.

python benchmarks/choosing.py --data digits --images 20000 --seeds 5
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from elmyr import GAN, Recognizer, train
from elmyr.images import ImageSet, Splits, open_source, split_source
from elmyr.tasks.gan import open_gan
from elmyr.tasks.recognition import chosen_samples, default_updates

Choice = Callable[[GAN, int, Recognizer], ImageSet]
CHOICES: dict[str, Choice] = {
    "all": lambda gan, count, reader: chosen_samples(gan, count),
    "the more real half": lambda gan, count, reader: chosen_samples(gan, count, realism=0.5),
    "the most real fifth": lambda gan, count, reader: chosen_samples(gan, count, realism=0.2),
    "read as asked for": lambda gan, count, reader: chosen_samples(gan, count, reader=reader),
    "both, a half": lambda gan, count, reader: chosen_samples(gan, count, realism=0.5, reader=reader),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-root")
    parser.add_argument("--images", type=int, default=20_000, help="seen by each GAN")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    alone: dict[str, list[float]] = {name: [] for name in CHOICES}
    beside: dict[str, list[float]] = {name: [] for name in ("no generated images", *CHOICES)}
    for seed in range(options.seeds):
        splits = split_source(open_source(options.data, options.data_root), seed)
        with tempfile.TemporaryDirectory() as folder:
            run = train(
                options.data, out=Path(folder) / "gan", images=options.images, seed=seed, data_root=options.data_root
            )
            gan = open_gan(run.path)
        reader = learned(seed, splits, "augment", splits.train)
        beside["no generated images"].append(right(reader, splits))
        for name, choice in CHOICES.items():
            chosen = choice(gan, len(splits.train), reader)
            alone[name].append(right(learned(seed, splits, "supervised", chosen), splits))
            beside[name].append(right(learned(seed, splits, "gan-augment", splits.train, chosen), splits))
            print(f"seed {seed}, {name}: {alone[name][-1]:.2%} alone, {beside[name][-1]:.2%} beside real", flush=True)
    print("\n| learned from | generated images alone | beside real ones |\n| --- | --- | --- |")
    for name, accuracies in beside.items():
        print(f"| {name} | {told(alone.get(name, []))} | {told(accuracies)} |")


def learned(seed: int, splits: Splits, method: str, images: ImageSet, generated: ImageSet | None = None) -> Recognizer:
    """A recognizer of the names of classes, chosen and calibrated on nothing."""
    recognizer = Recognizer(method=method, updates=default_updates(splits.train), seed=seed)
    return recognizer.fit(*named(images), generated=None if generated is None else named(generated))


def named(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(images.images[:]), np.array(images.classes)[images.require_labels()]


def right(recognizer: Recognizer, splits: Splits) -> float:
    return float(recognizer.score(*named(splits.test)))


def told(accuracies: list[float]) -> str:
    """Mean and standard deviation in percent."""
    return f"{np.mean(accuracies):.2%} ± {np.std(accuracies, ddof=1):.2%}" if len(accuracies) > 1 else "–"


if __name__ == "__main__":
    main()
