"""How well is MNIST read from a few labels a class, all other training images without theirs? A row a method and draw.

A draw is a choice of the labeled images and the recognizer's seed. All methods read the test images once, at the end;
what they are made of was chosen on a validation part of the training images (--validation).

python benchmarks/few_labels.py --data-root path/to/data --labels 100 --draws 3 supervised augment consistency
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr import Recognizer
from elmyr.images import Shaping, open_source, split_source
from elmyr.images.dataset.shaping import labeled_places
from elmyr.tasks.recognition.learning.methods import method_names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", default=method_names())
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-root")
    parser.add_argument("--labels", type=int, default=100, help="over all classes")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first draw")
    parser.add_argument("--updates", type=int, help="of every method, instead of its own")
    parser.add_argument("--validation", action="store_true", help="judge on a validation part, to make choices by")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=NUMBER")
    parser.add_argument("--out", type=Path, help="a file that the rows are appended to as well")
    options = parser.parse_intermixed_args()

    def tell(line: str) -> None:
        print(line, flush=True)
        if options.out:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    tell("| method | labels | draw | error | seconds | settings |")
    tell("| --- | --- | --- | --- | --- | --- |")
    for method in options.methods:
        rows = [row(options, method, draw) for draw in range(options.first, options.first + options.draws)]
        errors = np.array([error for error, _ in rows])
        asked = " ".join(options.settings)
        for draw, (error, seconds) in enumerate(rows, options.first):
            tell(f"| {method} | {options.labels} | {draw} | {error:.2%} | {seconds:,.0f} | {asked} |")
        if len(rows) > 1:
            tell(f"| {method} | {options.labels} | mean ± sd | {errors.mean():.2%} ± {errors.std(ddof=1):.2%} | | |")


def row(options: argparse.Namespace, method: str, draw: int) -> tuple[float, float]:
    """Error and seconds of one method on one draw of the labels."""
    source = open_source(options.data, options.data_root)
    splits = split_source(source, 0)
    whole = splits.train if source.test is None else source.train  # never the images that are judged
    training, judged = (splits.train, splits.validation) if options.validation else (whole, splits.test)
    labels = training.require_labels()
    seen = labeled_places(training, Shaping(labels_per_class=options.labels // len(training.classes)), draw)
    y: NDArray[np.int64] = np.full(len(labels), -1)
    y[seen] = labels[seen]
    settings = {name: float(value) for name, value in (each.split("=") for each in options.settings)}
    recognizer = Recognizer(method=method, updates=options.updates, seed=draw, settings=settings or None)
    started = time.monotonic()
    recognizer.fit(training.images, y)
    seconds = time.monotonic() - started
    return 1 - recognizer.score(judged.images, judged.require_labels()), seconds


if __name__ == "__main__":
    main()
