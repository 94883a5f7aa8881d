"""Are the maps of `elmyr explain` more than decoration? Prints tables.

python benchmarks/explain.py MODEL [--data mnist] [--count 200]

MODEL: the run of a recognizer, or of a GAN, whose discriminator is explained as the class that each image is labeled
as. Images are drawn from the test part of DATA. Every method is held against random orders of the pixels (deletion and
insertion, paired by image, 95 % t intervals), against the order of how far pixels are from the ground, and against a
network whose weights are random, layer by layer from the last (Spearman's rank correlation of absolute maps).
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from elmyr.core import machine
from elmyr.images import ImageSet, open_source
from elmyr.metrics import MeanInterval
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.attribution import METHODS, Check, check, explanation
from elmyr.tasks.recognition.attribution.opening import open_explained


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model, source = open_explained(options.model), open_source(options.data)
    images = source.train if source.test is None else source.test
    drawn = np.sort(np.random.default_rng(options.seed).permutation(len(images))[: options.count])
    some = images.take(drawn)
    print(f"{machine.environment()['cpu']}, {options.model}, {len(some)} images of {some.name}, seed {options.seed}\n")
    checks = []
    for method in METHODS:
        started = time.monotonic()
        found = check_of(model, some, method, options.seed)
        checks.append(found)
        print(f"{method}: {time.monotonic() - started:.0f} s", flush=True)
    print("\n| method | curve | area | random order | less random (95 %) | by contrast | less contrast (95 %) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for each in checks:
        for curve in each.curves:
            areas = f"{curve.area:.3f} | {curve.random:.3f} | {told(curve.over_random)}"
            print(f"| {each.method} | {curve.name} | {areas} | {curve.contrast:.3f} | {told(curve.over_contrast)} |")
    print(f"\n| random from here to the end | {' | '.join(each.method for each in checks)} |")
    print(f"| --- |{' --- |' * len(checks)}")
    for rows in zip(*(each.layers for each in checks), strict=True):
        told_of = [f"{row.whole:.2f} ({'–' if row.drawn is None else f'{row.drawn:.2f}'})" for row in rows]
        print(f"| {rows[0].name} | {' | '.join(told_of)} |")
    following = [each.method for each in checks if each.depends_on_weights]
    print(f"\nfollow the weights over all pixels: {', '.join(following) or 'none'}")


def check_of(model: object, images: ImageSet, method: str, seed: int) -> Check:
    """The check of a method; a discriminator is asked for the class of each image's label."""
    if not isinstance(model, GAN):
        return check(explanation(model, images.images, method=method), seed=seed)
    return check(explanation(model, images.images, method=method, target=images.require_labels()), seed=seed)


def told(difference: MeanInterval) -> str:
    return f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


if __name__ == "__main__":
    main()
