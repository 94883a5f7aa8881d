"""Are copies called copies, and real images not? Prints a table of verdicts over seeds.

python benchmarks/copies.py --data digits --seeds 20
python benchmarks/copies.py --data mnist --data-root path/to/data --seeds 4 --draws 5
python benchmarks/copies.py --run runs/mnist --data-root path/to/data --seeds 5

A seed is a new split, from which images of each kind are drawn, --draws times. `real` are images of the test part,
which no network has seen; `typical` are the same, blurred: nearer to all others than a real image is, and no copies.
The others are made of training images: with noise of so many gray levels, a tenth of them among real ones, or
altered: moved, turned, mirrored, recolored, or cut to 86 % of the sides and enlarged again. `altered` is the verdict of
the search over such changes alone; C_T and authenticity, the figures that dgm-eval prints, stand beside it.
Of a run the images are its samples, a seed a draw, beside its own split; its discriminator judges too.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, rotate, shift

from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.copies import TITLES, Copies, CopySearch
from elmyr.images import ImageSet, Shaping, Source, Splits, open_source, split_source
from elmyr.images.pictures.grid import as_picture
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


def moved(images: Pixels, pixels: int, random: np.random.Generator) -> Pixels:
    ways = random.choice([-pixels, pixels], (len(images), 2))
    return np.stack([shift(image, (*way, 0), order=0, mode="nearest") for image, way in zip(images, ways, strict=True)])


def turned(images: Pixels, degrees: float, random: np.random.Generator) -> Pixels:
    ways = random.choice([-degrees, degrees], len(images))
    around = [rotate(i, way, reshape=False, order=1, mode="nearest") for i, way in zip(images, ways, strict=True)]
    return np.stack(around)


def tinted(images: Pixels, random: np.random.Generator) -> Pixels:
    return (images * random.uniform(0.5, 1, (len(images), 1, 1, images.shape[3]))).astype(np.uint8)


def cut(images: Pixels, random: np.random.Generator) -> Pixels:
    height, width = (round(0.86 * side) for side in images.shape[1:3])
    found = []
    for image in images:
        top, left = random.integers(image.shape[0] - height + 1), random.integers(image.shape[1] - width + 1)
        part = as_picture(np.ascontiguousarray(image[top : top + height, left : left + width]))
        whole = part.resize((image.shape[1], image.shape[0]), Image.Resampling.BILINEAR)
        found.append(np.asarray(whole).reshape(image.shape))
    return np.stack(found)


KINDS: dict[str, Callable[[Splits, int, np.random.Generator], Pixels]] = {
    "real": lambda splits, count, random: drawn(splits.test, count, random),
    "typical": lambda splits, count, random: gaussian_filter(drawn(splits.test, count, random), (0, 1, 1, 0)),
    "copies, noise 2": lambda splits, count, random: noised(drawn(splits.train, count, random), 2, random),
    "copies, noise 20": lambda splits, count, random: noised(drawn(splits.train, count, random), 20, random),
    "copies, noise 60": lambda splits, count, random: noised(drawn(splits.train, count, random), 60, random),
    "a tenth copied": some_copied,
    "moved by 1": lambda splits, count, random: moved(drawn(splits.train, count, random), 1, random),
    "moved by 2": lambda splits, count, random: moved(drawn(splits.train, count, random), 2, random),
    "turned by 5": lambda splits, count, random: turned(drawn(splits.train, count, random), 5, random),
    "turned by 10": lambda splits, count, random: turned(drawn(splits.train, count, random), 10, random),
    "mirrored": lambda splits, count, random: drawn(splits.train, count, random)[:, :, ::-1],
    "inverted": lambda splits, count, random: 255 - drawn(splits.train, count, random),
    "half the contrast": lambda splits, count, random: drawn(splits.train, count, random) // 2 + 60,
    "tinted": lambda splits, count, random: tinted(drawn(splits.train, count, random), random),
    "cut": lambda splits, count, random: cut(drawn(splits.train, count, random), random),
}


def of_kinds(source: Source, options: argparse.Namespace) -> dict[str, list[Copies]]:
    found: dict[str, list[Copies]] = defaultdict(list)
    for seed in range(options.seeds):
        splits = split_source(source, seed, Shaping(images_per_class=options.images_per_class))
        search = CopySearch(splits.train, splits.validation, splits.test)
        for kind, draw in product(options.kinds, range(options.draws)):
            random = np.random.default_rng(seed if options.draws == 1 else (seed, draw))
            found[kind].append(search(ImageSet(KINDS[kind](splits, options.count, random), None)))
    return found


def of_run(name: str, data_root: str | None, seeds: int, count: int) -> dict[str, list[Copies]]:
    gan, splits = GAN.load(name), splits_of(config_of(RunDirectory(name)), data_root)
    search = CopySearch(splits.train, splits.validation, splits.test)
    return {"samples": [search(gan.sample(count, seed=seed), gan=gan) for seed in range(seeds)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-root")
    parser.add_argument("--run", help="samples of this run, instead")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--images-per-class", type=int, help="training images")
    parser.add_argument("--draws", type=int, default=1, help="of each kind from each split")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS, metavar="KIND")
    options = parser.parse_args()
    started = time.monotonic()
    if options.run:
        name, found = options.run, of_run(options.run, options.data_root, options.seeds, options.count)
    else:
        source = open_source(options.data, options.data_root)
        name, found = source.name, of_kinds(source, options)
    looks = sum(map(len, found.values()))
    first = next(iter(found.values()))[0]
    print(
        f"{name}: {first.count:,} images a look, {first.training:,} training and {first.held_out:,} held-out "
        f"images; {options.seeds} splits, {options.draws} draws of each; "
        f"{(time.monotonic() - started) / looks:.1f} s a look\n"
    )
    names = [figure.name for figure in first.figures]
    head = (
        "images",
        "no evidence",
        "suspected",
        "certain",
        "altered",
        "its deviations",
        "its doubles",
        "deviations",
        *(TITLES[name] for name in names),
    )
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for kind, copies in found.items():
        verdicts = Counter(one.verdict for one in copies)
        counted = [str(verdicts[verdict]) for verdict in ("no evidence", "suspected", "certain")]
        altered = [one.altered for one in copies]
        counted.append(str(sum(one.verdict != "no evidence" for one in altered)))
        counted.append(f"{np.mean([one.deviations for one in altered]):.1f}")
        counted.append(f"{np.mean([one.doubles / one.count for one in altered]):.3f}")
        means = [f"{np.mean([one[name].value for one in copies]):.3f}" for name in names]
        deviations = f"{np.mean([one.deviations for one in copies]):.1f}"
        print(f"| {' | '.join([kind, *counted, deviations, *means])} |", flush=True)


if __name__ == "__main__":
    main()
