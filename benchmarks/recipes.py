"""What makes the pictures better in the same time? Trains variants of a preset, judges them on the validation part.

A variant is a list of settings, with commas; `default` changes nothing. Each row is appended to a file at once, so that
a search of many hours loses nothing.

python benchmarks/recipes.py mnist --images 60k --data-root path/to/data default penalties.r1=1,penalties.r2=1 batch=32
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from elmyr import evaluate, train
from elmyr.cli.options import image_count
from elmyr.core.errors import ElmyrError

FIGURES = ("frechet_distance", "precision", "recall", "label_accuracy")
EXTRACTORS = ("domain", "random", "pixels")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("variants", nargs="+")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--images")
    budget.add_argument("--minutes", type=float)
    parser.add_argument("--preset", default="residual")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data-root")
    parser.add_argument("--out", type=Path, help="a file that the rows are appended to as well")
    options = parser.parse_intermixed_args()
    images = image_count(options.images)

    def tell(line: str) -> None:
        print(line, flush=True)
        if options.out:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    tell("| variant | seed | images | seconds | FD, domain | FD, random | FD, pixels | precision | recall | label |")
    tell("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for variant in options.variants:
        settings = [] if variant == "default" else variant.split(",")
        for seed in range(options.seeds):
            try:
                tell(row(options, variant, settings, images, seed))
            except ElmyrError as error:  # what diverges is a finding, too
                tell(f"| {variant} | {seed} | {error} |")


def row(options: argparse.Namespace, variant: str, settings: list[str], images: int | None, seed: int) -> str:
    """Trains and judges one variant."""
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            options.data,
            preset=options.preset,
            images=images,
            minutes=options.minutes,
            seed=seed,
            settings=settings,
            out=Path(folder) / "run",
            data_root=options.data_root,
        )
        done = json.loads(run.summary.read_text())
        judged = {
            name: evaluate(run.path, against="validation", extractor=name, data_root=options.data_root)
            for name in EXTRACTORS
        }
    distances = [judged[name]["frechet_distance"] for name in EXTRACTORS]
    others = [judged["domain"][name] for name in FIGURES[1:]]
    cells = [f"{figure.value:.3g} ({figure.yardstick:.3g})" for figure in (*distances, *others)]
    return f"| {variant} | {seed} | {done['images']:,} | {done['seconds']:,.0f} | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
