"""Are copies called copies, and real images not? Prints a table of verdicts over seeds.

python benchmarks/copies.py --data mnist --data-root path/to/data --seeds 20
python benchmarks/copies.py --run runs/mnist --data-root path/to/data --seeds 5

A seed is a new split and a new draw of as many images of each kind. `real` are images of the test part, which no
network has seen; `typical` are the same, blurred: nearer to all others than a real image is, and no copies. The others
are made of training images: with noise of so many gray levels, moved by a pixel, or a tenth of them among real ones.
Of a run the images are its samples, a seed a draw, beside its own split; its discriminator judges too.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.copies import TITLES, Copies, look_for_copies
from elmyr.images import ImageSet, Source, Splits, open_source, split_source
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.plan import config_of, splits_of

Pixels = NDArray[np.uint8]


def noised(images: Pixels, levels: float, random: np.random.Generator) -> Pixels:
    return np.clip(images + random.normal(0, levels, images.shape), 0, 255).astype(np.uint8)


def drawn(part: ImageSet, count: int, random: np.random.Generator) -> Pixels:
    return part.take(random.choice(len(part), min(count, len(part)), replace=False)).in_memory()


def some_copied(splits: Splits, count: int, random: np.random.Generator) -> Pixels:
    copied = noised(drawn(splits.train, count // 10, random), 2, random)
    return np.concatenate([copied, drawn(splits.test, count, random)])[:count]


KINDS: dict[str, Callable[[Splits, int, np.random.Generator], Pixels]] = {
    "real": lambda splits, count, random: drawn(splits.test, count, random),
    "typical": lambda splits, count, random: gaussian_filter(drawn(splits.test, count, random), (0, 1, 1, 0)),
    "copies, noise 2": lambda splits, count, random: noised(drawn(splits.train, count, random), 2, random),
    "copies, noise 20": lambda splits, count, random: noised(drawn(splits.train, count, random), 20, random),
    "copies, noise 60": lambda splits, count, random: noised(drawn(splits.train, count, random), 60, random),
    "copies, moved": lambda splits, count, random: np.roll(drawn(splits.train, count, random), 1, axis=2),
    "a tenth copied": some_copied,
}


def of_kinds(source: Source, kinds: list[str], seeds: int, count: int) -> dict[str, list[Copies]]:
    found: dict[str, list[Copies]] = defaultdict(list)
    for seed in range(seeds):
        splits = split_source(source, seed)
        for kind in kinds:
            images = ImageSet(KINDS[kind](splits, count, np.random.default_rng(seed)), None)
            found[kind].append(look_for_copies(images, splits.train, splits.validation, splits.test))
    return found


def of_run(name: str, data_root: str | None, seeds: int, count: int) -> dict[str, list[Copies]]:
    gan, splits = GAN.load(name), splits_of(config_of(RunDirectory(name)), data_root)
    parts = splits.train, splits.validation, splits.test
    return {"samples": [look_for_copies(gan.sample(count, seed=seed), *parts, gan=gan) for seed in range(seeds)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-root")
    parser.add_argument("--run", help="samples of this run, instead")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS, metavar="KIND")
    options = parser.parse_args()
    started = time.monotonic()
    if options.run:
        name, found = options.run, of_run(options.run, options.data_root, options.seeds, options.count)
    else:
        source = open_source(options.data, options.data_root)
        name, found = source.name, of_kinds(source, options.kinds, options.seeds, options.count)
    looks = sum(map(len, found.values()))
    first = next(iter(found.values()))[0]
    print(
        f"{name}: {first.count:,} images a look, {first.training:,} training and {first.held_out:,} held-out "
        f"images; {options.seeds} seeds; {(time.monotonic() - started) / looks:.1f} s a look\n"
    )
    names = [figure.name for figure in first.figures]
    head = ("images", "no evidence", "suspected", "certain", "deviations", *(TITLES[name] for name in names))
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for kind, copies in found.items():
        verdicts = Counter(one.verdict for one in copies)
        counted = [str(verdicts[verdict]) for verdict in ("no evidence", "suspected", "certain")]
        means = [f"{np.mean([one[name].value for one in copies]):.3f}" for name in names]
        deviations = f"{np.mean([one.deviations for one in copies]):.1f}"
        print(f"| {' | '.join([kind, *counted, deviations, *means])} |", flush=True)


if __name__ == "__main__":
    main()
