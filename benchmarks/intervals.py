"""How often does each figure's 95 % interval hold what the figure is on average? Prints a table of shares.

python benchmarks/intervals.py --repeats 200
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from elmyr.metrics import (
    Estimate,
    class_divergence,
    density_coverage,
    discriminator_accuracy,
    diversity,
    frechet_distance,
    frechet_distance_at_infinity,
    inception_score,
    kernel_distance,
    precision_recall,
)

WIDTH, CLASSES = 16, 5
SCENES = {"equal": (1.0, 0.0), "near": (0.9, 0.2), "poor": (0.7, 1.0)}  # scale and shift of the generated features
COUNTS = (64, 225, 1000)


def figures(random: np.random.Generator, count: int, scale: float, shift: float) -> dict[str, Estimate]:
    """All figures of one draw: real features are standard normal."""
    real, generated = random.normal(size=(count, WIDTH)), random.normal(size=(count, WIDTH)) * scale + shift
    probabilities = np.exp(2 * generated[:, :CLASSES])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    precision, recall = precision_recall(real, generated)
    density, coverage = density_coverage(real, generated)
    read_real, read = real[:, :CLASSES].argmax(axis=1), probabilities.argmax(axis=1)
    return {
        "Fréchet distance": frechet_distance(real, generated),
        "FID∞ (extrapolated)": frechet_distance_at_infinity(real, generated),
        "kernel distance": kernel_distance(real, generated),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
        "Inception Score": inception_score(probabilities),
        "diversity": diversity(generated, np.arange(count) % CLASSES),
        "class divergence": class_divergence(read_real, read, CLASSES),
        "discriminator accuracy": discriminator_accuracy(real.sum(axis=1), generated.sum(axis=1)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    columns = list(product(SCENES, COUNTS))
    shares: dict[str, list[float]] = {}
    for scene, count in columns:
        random = np.random.default_rng(0)
        repeats = [figures(random, count, *SCENES[scene]) for _ in range(options.repeats)]
        for name in repeats[0]:
            values, lows, highs = np.array([each[name].interval for each in repeats]).T
            shares.setdefault(name, []).append(((lows <= values.mean()) & (values.mean() <= highs)).mean())
    print(f"| figure | {' | '.join(f'{scene}, {count}' for scene, count in columns)} |")
    print(f"| --- |{' --- |' * len(columns)}")
    for name, row in shares.items():
        print(f"| {name} | {' | '.join(f'{share:.3f}' for share in row)} |")


if __name__ == "__main__":
    main()
