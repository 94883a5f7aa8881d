"""Does a GAN of other classes help one that has few images? Prints a table.

python benchmarks/transfer.py --out FOLDER [--seeds 3] [--images 20k] [--first 40k] [--per-class 50]

The first GAN sees the digits 0 to 4 of MNIST, all their images; others the digits 5 to 9, few of each class, once from
new weights and once from those of the first (`elmyr train --from`). Fréchet distances are of features of a recognizer
that elmyr trains on all training images of 5 to 9, to their test images, so that both are judged by the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import t

from elmyr import evaluate, train
from elmyr.core import machine
from elmyr.images import Shaping
from elmyr.tasks.gan import open_gan

OLD, NEW = tuple("01234"), tuple("56789")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", default="20k")
    parser.add_argument("--first", default="40k")
    parser.add_argument("--per-class", type=int, default=50)
    options = parser.parse_args()
    first = options.out / "first"
    if not first.exists():
        train("mnist", out=first, images=options.first, shaping=Shaping(classes=OLD))
    print(f"{machine.environment()['cpu']}, {options.images} images seen, {options.per_class} images a class\n")
    print("| seed | from new weights | from the digits 0 to 4 |\n| --- | --- | --- |", flush=True)
    rows = []
    for seed in range(options.seeds):
        few = Shaping(classes=NEW, images_per_class=options.per_class)
        cells = []
        for name, start in (("new", None), ("from", first)):
            out = options.out / f"{name}-{seed}"
            if not out.exists():
                train("mnist", out=out, images=options.images, shaping=few, seed=seed, start_from=start)
            samples = open_gan(out).sample(4_500, balanced=True, seed=seed)
            cells.append(evaluate(samples, data="mnist", shaping=Shaping(classes=NEW))["frechet_distance"].value)
        rows.append(cells)
        print(f"| {seed} | {cells[0]:.1f} | {cells[1]:.1f} |", flush=True)
    values = np.array(rows)
    print(f"| mean | {values[:, 0].mean():.1f} | {values[:, 1].mean():.1f} |")
    if len(values) > 1:
        apart = values[:, 1] - values[:, 0]
        half = t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / len(apart) ** 0.5
        print(f"\ndifference {apart.mean():+.1f} ({apart.mean() - half:+.1f} to {apart.mean() + half:+.1f})")


if __name__ == "__main__":
    main()
