"""What does each extractor see, and what is it blind to? Spoils real training images and judges them. Prints a table.

python benchmarks/extractors.py mnist --data-root path/to/data
python benchmarks/extractors.py cifar10 --data-root path/to/data --extractor efficientnet-lite0 --count 1000
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.ndimage import gaussian_filter

from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.evaluation.figures import Evidence, take_figures
from elmyr.evaluation.paired_samples import common_count, first_of
from elmyr.evaluation.reference import embed, reference_of
from elmyr.images import ImageSet, open_source, split_source

SHOWN = (
    "frechet_distance",
    "class_frechet_distance",
    "kernel_distance",
    "precision",
    "recall",
    "coverage",
    "class_divergence",
    "label_accuracy",
)


def spoiled(images: ImageSet) -> dict[str, ImageSet]:
    """The images as they are, noised, blurred, without a class, and with wrong labels."""
    random = np.random.default_rng(0)
    labels = images.require_labels()
    pixels = images.images.astype(np.float64)

    def of(changed: np.ndarray) -> ImageSet:
        return ImageSet(np.clip(changed, 0, 255).astype(np.uint8), labels, images.classes)

    swapped = np.where(random.random(len(labels)) < 0.2, (labels + 1) % len(images.classes), labels)
    return {
        "as they are": images,
        **{f"noise {sd}": of(pixels + random.normal(0, sd, pixels.shape)) for sd in (10, 30, 60)},
        **{f"blur {sd}": of(gaussian_filter(pixels, (0, sd, sd, 0))) for sd in (0.5, 1.0, 1.5)},
        "without class 3": images.take(np.resize(np.flatnonzero(labels != 3), len(labels))),
        "20 % wrong labels": ImageSet(images.images, swapped, images.classes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--data-root")
    parser.add_argument("--extractor", nargs="+", default=["domain", "random", "pixels"])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--figures", nargs="+", default=list(SHOWN), help="Fréchet distances take the longest")
    options = parser.parse_args()
    splits = split_source(open_source(options.data, options.data_root), 0)
    count = min(common_count(splits), options.count)
    sets = {"validation images (the real-data baseline)": first_of(splits.validation, count)}
    sets |= {f"training images, {name}": images for name, images in spoiled(first_of(splits.train, count)).items()}
    print(f"{options.data}: {count:,} images a side against the test part, split of seed 0\n")
    for name in options.extractor:
        extractor = extractor_for(splits.train, Extraction(name))
        started = time.monotonic()
        embed(extractor, first_of(splits.test, count))
        seen = count / (time.monotonic() - started)
        real = reference_of(extractor, first_of(splits.test, count))
        print(f"## {name} ({extractor.dimension} features, {seen:,.0f} images/s)\n")
        print(f"| images | {' | '.join(options.figures).replace('_', ' ')} |\n| --- |{' --- |' * len(options.figures)}")
        for title, images in sets.items():
            taken = take_figures(Evidence(real, embed(extractor, images)), options.figures)
            cells = [f"{taken[figure].value:.4g}" if figure in taken else "" for figure in options.figures]
            print(f"| {title} | {' | '.join(cells)} |", flush=True)
        print()


if __name__ == "__main__":
    main()
