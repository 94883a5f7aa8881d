"""How often does each figure's 95 % interval hold what the figure is on average? Prints a table of shares.

With --equal both sides are of one distribution, a Gaussian for each class of the embedded digits in 16 principal
components, with labels that are fixed (as many of each class on both sides) or drawn: FID∞ and KID are to be 0 on
average, and their intervals to hold 0 and to be no wider than need be.

With --differences two generated samples of one distribution stand beside the same real one: in 95 % of repeats the
interval of their difference is to hold 0. Power: moved by as much as a test that knows the deviation finds in 95 % of
repeats, how often it leaves 0 out.

python benchmarks/intervals.py --repeats 200
python benchmarks/intervals.py --equal 500 --repeats 200
python benchmarks/intervals.py --differences 500 --repeats 200
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from elmyr.metrics import (
    DRAWN,
    Estimate,
    class_divergence,
    density_coverage,
    difference,
    discriminator_accuracy,
    diversity,
    fixed_design,
    frechet_distance,
    frechet_distance_at_infinity,
    inception_score,
    kernel_distance,
    precision_recall,
)

WIDTH, CLASSES = 16, 5
SCENES = {"equal": (1.0, 0.0), "near": (0.9, 0.2), "poor": (0.7, 1.0)}  # scale and shift of the generated features
COUNTS = (64, 225, 1000)
APART = {"as the real ones": (1.0, 0.0), "near": (0.97, 0.05), "poor": (0.8, 0.3)}  # scale and shift, of digits
SHIFTED = {"FID": frechet_distance, "FID∞": frechet_distance_at_infinity, "KID": kernel_distance}


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


class Digits:
    """The classes of the embedded digits as Gaussians."""

    def __init__(self) -> None:
        pixels, labels = load_digits(return_X_y=True)
        centered = (pixels - pixels.mean(axis=0)) / 4
        features = centered @ np.linalg.svd(centered, full_matrices=False)[2][:WIDTH].T
        classes = [features[labels == label] for label in range(10)]
        self.means = np.array([rows.mean(axis=0) for rows in classes])
        self.roots = np.array([np.linalg.cholesky(np.cov(rows.T)) for rows in classes])

    def drawn(self, labels: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float64]:
        """A row for each label."""
        noise = random.normal(size=(len(labels), WIDTH))
        rows = np.empty_like(noise)
        for label in range(10):
            of_class = labels == label
            rows[of_class] = noise[of_class] @ self.roots[label].T + self.means[label]
        return rows


def equal(count: int, repeats: int, only: str | None = None, seed: int = 1) -> None:
    """Prints what FID∞ and KID of equal distributions are on average, and what their intervals hold."""
    digits = Digits()
    print("| figure | images | labels | mean, standard errors from 0 | intervals that hold 0 | width, of the true |")
    print("| --- | --- | --- | --- | --- | --- |")
    for labels in ("fixed", "drawn"):
        random = np.random.default_rng(seed)
        taken = {name: SHIFTED[name] for name in ("FID∞", "KID") if only in (None, name)}
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in taken}
        for _ in range(repeats):
            real = random.integers(0, 10, count)
            asked = random.permutation(real) if labels == "fixed" else random.integers(0, 10, count)
            design = fixed_design(real, asked) if labels == "fixed" else DRAWN
            sides = digits.drawn(real, random), digits.drawn(asked, random)
            for name, figure in taken.items():
                found[name].append(figure(*sides, design=design).interval)
        for name, each in found.items():
            values, lows, highs = np.array(each).T
            off = values.mean() / (values.std(ddof=1) / repeats**0.5)
            held, width = ((lows <= 0) & (highs >= 0)).mean(), (highs - lows).mean() / (2 * 1.96 * values.std(ddof=1))
            print(f"| {name} | {count:,} | {labels} | {off:+.2f} | {100 * held:.1f} % | {width:.2f} |", flush=True)


def of_differences(count: int, repeats: int) -> None:
    """Prints what the intervals of differences hold where there is none, their width, and the power."""
    digits = Digits()
    print(
        "| generated | labels | figure | intervals that hold 0 | width, of the true | power, where 95 % is possible |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for (scene, (scale, shift)), labels in product(APART.items(), ("fixed", "drawn")):
        found: dict[str, list[tuple[float, float, float]]] = {"FID": [], "FID∞": [], "KID": []}
        random = np.random.default_rng(1)
        for _ in range(repeats):
            real = random.integers(0, 10, count)
            rows, sides, designs = digits.drawn(real, random), [], []
            for _ in range(2):
                asked = random.permutation(real) if labels == "fixed" else random.integers(0, 10, count)
                sides.append(digits.drawn(asked, random) * scale + shift)
                designs.append(fixed_design(real, asked) if labels == "fixed" else DRAWN)
            for name, figure in SHIFTED.items():
                a, b = (figure(rows, side, design=design) for side, design in zip(sides, designs, strict=True))
                found[name].append(difference(a, b).interval)
        for name, each in found.items():
            values, lows, highs = np.array(each).T
            sd = values.std(ddof=1)
            held, width = ((lows <= 0) & (highs >= 0)).mean(), (highs - lows).mean() / (2 * 1.96 * sd)
            gain = (1.96 + 1.645) * sd  # a test that knows the deviation finds it in 95 % of repeats
            power = (lows + gain > 0).mean()
            told = f"{100 * held:.1f} % | {width:.2f} | {100 * power:.0f} %"
            print(f"| {scene} | {labels} | {name} | {told} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--equal", type=int, metavar="N", help="equal distributions of so many images a side")
    parser.add_argument("--seed", type=int, default=1, help="with --equal")
    parser.add_argument("--figure", choices=("FID∞", "KID"), help="with --equal: this one alone")
    parser.add_argument("--differences", type=int, metavar="N", help="two generated samples beside so many real images")
    options = parser.parse_args()
    if options.differences:
        of_differences(options.differences, options.repeats)
        return
    if options.equal:
        equal(options.equal, options.repeats, options.figure, options.seed)
        return
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
