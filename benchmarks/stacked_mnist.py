"""How many of 1,000 modes does a preset find? Stacked MNIST: three digits in the three color channels; prints a table.

python benchmarks/stacked_mnist.py --preset residual --minutes 60 --data-root path/to/data

The problem is of Metz et al. 2017: 28x28x3, a mode is a triple of digits, the GAN is told none of them. Judged as in
PacGAN (Lin et al. 2018), on 25,600 samples where it takes 26,000: a recognizer of single digits reads each channel;
told are the modes that occur, and the Kullback–Leibler divergence of their frequencies in the samples from 1/1000 each,
in nats. Real images, stacked of test digits, are the baseline: theirs is not 0, samples being few and digits not
equally frequent. The last column leaves the second reason out: the divergence from the frequencies that the training
digits give the modes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from elmyr import GAN, ImageSet, Recognizer, load_images, train
from elmyr.core import seeds
from elmyr.core.files import read_json
from elmyr.images import image_grid, save_npz, save_png
from elmyr.metrics import accuracy

STACKED = 96_000  # of which elmyr keeps a quarter for testing and a sixth of the rest for validation: trains on 60,000
SAMPLES = 25_600
DIGITS, CHANNELS = 10, 3

# Huang et al. 2024 (R3GAN), table 3: modes found, and the divergence
PUBLISHED = {
    "DCGAN": (99, "3.40"),
    "VEEGAN": (150, "2.95"),
    "WGAN-GP": (959, "0.73"),
    "StyleGAN2": (940, "0.42"),
    "PacGAN": (992, "0.28"),
    "R3GAN": (1000, "0.029"),
}


def stacked(digits: ImageSet, count: int, stream: str) -> NDArray[np.uint8]:
    """Images (count, H, W, 3) of digits drawn at random, one a channel."""
    random = np.random.default_rng(seeds.derive(0, stream))
    drawn = digits.in_memory()[random.integers(len(digits), size=(count, CHANNELS)), :, :, 0]
    return np.ascontiguousarray(np.moveaxis(drawn, 1, 3))


def read_modes(recognizer: Recognizer, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How often each mode is read: shares (10, 10, 10)."""
    read = tuple(recognizer.predict(images[..., channel]) for channel in range(CHANNELS))
    counts = np.zeros((DIGITS,) * CHANNELS)
    np.add.at(counts, read, 1)
    return counts / len(images)


def row(name: str, shares: NDArray[np.float64], training: NDArray[np.float64]) -> str:
    uniform = np.full_like(shares, 1 / shares.size)
    divergences = [rel_entr(shares, expected).sum() for expected in (uniform, training)]
    return f"| {name} | {np.count_nonzero(shares):,} | {' | '.join(f'{value:.3f}' for value in divergences)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="residual")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--images", type=int)
    budget.add_argument("--minutes", type=float)
    parser.add_argument("--data-root")
    parser.add_argument("--grid", type=Path, help="where to draw a picture of samples")
    options = parser.parse_args()
    digits, test = (load_images("mnist", split=split, data_root=options.data_root) for split in ("train", "test"))
    shares = np.bincount(digits.require_labels()) / len(digits)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stacked-mnist.npz"
        save_npz(ImageSet(stacked(digits, STACKED, "stacked training digits"), None), path)
        run = train(
            path, preset=options.preset, images=options.images, minutes=options.minutes, out=path.with_name("run")
        )
        gan, minutes = GAN.load(run.path), read_json(run.summary)["seconds"] / 60
    recognizer = Recognizer().fit(digits.images, digits.require_labels())
    right = accuracy(recognizer.predict(test.images), test.require_labels())
    samples = gan.sample(SAMPLES).in_memory()
    real = stacked(test, SAMPLES, "stacked test digits")

    print(f"seed 0, {gan.trained['images']:,} images seen in {minutes:.1f} minutes, {SAMPLES:,} samples;")
    print(f"the recognizer reads {right:.2%} of the single test digits right\n")
    print("| images | modes of 1,000 | divergence from 1/1000 each | from the training digits' |")
    print("| --- | --- | --- | --- |")
    training = np.einsum("i,j,k->ijk", shares, shares, shares)
    print(row(f"`{options.preset}`", read_modes(recognizer, samples), training))
    print(row("real", read_modes(recognizer, real), training))
    for name, (modes, divergence) in PUBLISHED.items():
        print(f"| {name}, published | {modes:,} | {divergence} | |")
    print("\nPublished: Huang et al. 2024 (R3GAN), table 3, with networks, budgets and recognizers of their own.")
    if options.grid:
        options.grid.parent.mkdir(parents=True, exist_ok=True)
        save_png(image_grid(samples[:100], 10), options.grid)


if __name__ == "__main__":
    main()
