"""How near does a GAN come to images of people's own, and what becomes of them? Prints tables.

python benchmarks/edits.py RUN --recognizer READER --judge JUDGE [--data mnist] [--count 200] [--moves …]

RUN: a GAN with directions (`elmyr directions RUN`); READER: the recognizer that counterfactuals are found for; JUDGE:
another one, of another network, that has seen no generated image and says what the images show. The images are those of
the test part. Seconds are of the processor, the samples that a search begins at included. Intervals are Wilson's.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import machine
from elmyr.images import open_source
from elmyr.metrics import wilson_interval
from elmyr.tasks.gan import open_gan
from elmyr.tasks.gan.editing import find_latents
from elmyr.tasks.gan.sampling.moves import amounts_of
from elmyr.tasks.recognition import open_recognizer
from elmyr.tasks.recognition.attacks.fab import nearest_misread
from elmyr.tasks.recognition.attacks.seam import logits_of
from elmyr.tasks.recognition.counterfactuals import Counterfactuals, find_counterfactuals

MOVES = "slant=-2;slant=2;thickness=-2;thickness=2;slant=-2,thickness=1"


def share(right: NDArray[np.bool_]) -> str:
    """A share in percent, with its interval."""
    low, high = wilson_interval(int(right.sum()), right.size)
    return f"{100 * right.mean():.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def distances(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """L2 of pixels from 0 to 1, image by image."""
    return np.asarray(np.sqrt(np.square((a.astype(np.float64) - b) / 255).sum((1, 2, 3))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--recognizer", type=Path, required=True)
    parser.add_argument("--judge", type=Path, required=True)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--moves", default=MOVES)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    gan, reader, judge = open_gan(options.run), open_recognizer(options.recognizer), open_recognizer(options.judge)
    source = open_source(options.data)
    assert source.test is not None
    moves = [amounts_of(words.split(",")) for words in options.moves.split(";")]
    chosen = np.sort(np.random.default_rng(options.seed).permutation(len(source.test))[: options.count])
    images, labels = np.asarray(source.test.images[chosen]), source.test.require_labels()[chosen]
    names = np.array(source.test.classes)

    def reads(some: NDArray[np.uint8]) -> NDArray[np.str_]:
        return np.asarray(judge.predict(some)).astype(str)

    shown = names[labels]
    print(f"{machine.environment()['cpu']}, {gan!r}, {len(images)} test images\n")
    print(f"the judge reads {share(reads(images) == shown)} of the test images as their class\n")
    print("| images | class | mean squared error | read as their class | seconds an image |")
    print("| --- | --- | --- | --- | --- |")
    for known in (True, False):
        started = time.process_time()
        found = find_latents(gan, images, shown if known else None, seed=options.seed)
        took = (time.process_time() - started) / len(images)
        kept = share(reads(found.images) == shown)
        print(f"| nearest | {'given' if known else 'tried'} | {found.errors.mean():.4f} | {kept} | {took:.3f} |")
        for move in moves if known else moves[:1]:
            what = ", ".join(f"{name} {amount:+g}" for name, amount in move.items())
            print(f"| {what} | | | {share(reads(found.edited(move=move)) == shown)} | |", flush=True)
        every = found.every_class().reshape(-1, *images.shape[1:])
        print(f"| as every class | | | {share(reads(every) == np.tile(names, len(images)))} | |", flush=True)
    _counterfactuals(find_counterfactuals(reader, gan, images, seed=options.seed), reader, reads, source.train, labels)


def _counterfactuals(found: Counterfactuals, reader: Any, reads: Any, train: Any, labels: NDArray[np.int64]) -> None:
    names = np.array(found.names)
    targets, before = names[found.targets], names[found.read]
    after = reads(found.found)
    print(f"\ncounterfactuals: read as the target by the recognizer {share(found.flipped)}, by the judge")
    print(f"{share(after == targets)}; no more as what the image was read as, by the judge {share(after != before)}\n")
    units = torch.from_numpy(found.images).permute(0, 3, 1, 2).float() / 255
    aimed = torch.from_numpy(found.targets)
    attacked = nearest_misread(
        logits_of(reader), units, torch.from_numpy(found.read), aimed, norm="L2", steps=100
    ).nan_to_num()
    fooled = (255 * attacked).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    pixels, train_labels = np.asarray(train.images[:]), train.require_labels()
    classes = {name: number for number, name in enumerate(train.classes)}
    nearest = np.empty_like(found.images)
    for place, target in enumerate(targets):
        own = pixels[train_labels == classes[target]]
        apart = np.square(own.astype(np.float32) - found.images[place]).sum((1, 2, 3))
        nearest[place] = own[apart.argmin()]
    print("| image | L2, the median | read as the target by the judge |\n| --- | --- | --- |")
    for name, some in (
        ("the counterfactual", found.found),
        ("an attack's (FAB)", fooled),
        ("the nearest training image of the class", nearest),
    ):
        print(f"| {name} | {np.median(distances(some, found.images)):.2f} | {share(reads(some) == targets)} |")


if __name__ == "__main__":
    main()
