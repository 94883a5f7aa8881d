"""What does each preset give for the same number of images? Trains, judges, draws a grid; prints a table.

python benchmarks/presets.py mnist --images 200k mlp dcgan residual --data-root path/to/data
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from elmyr import GAN, Shaping, evaluate, train
from elmyr.cli.options import image_count
from elmyr.images import class_rows, image_grid, parse_size, save_png
from elmyr.tasks.gan.presets import preset_names

FIGURES = ("frechet_distance", "precision", "recall", "label_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("presets", nargs="*", default=preset_names())
    parser.add_argument("--images", default="200k")
    parser.add_argument("--size")
    parser.add_argument("--data-root")
    parser.add_argument("--grids", type=Path, help="a folder for a picture of each")
    options = parser.parse_intermixed_args()
    images = image_count(options.images) or 0
    shaping = Shaping(size=parse_size(options.size) if options.size else None)

    print(f"{options.data}, {images:,} images seen, seed 0, against the validation part\n")
    print("| preset | minutes | images/s | FID | precision | recall | conditional accuracy |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for preset in options.presets:
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            run = train(
                options.data,
                preset=preset,
                images=images,
                out=Path(folder) / "run",
                data_root=options.data_root,
                shaping=shaping,
            )
            seconds = time.monotonic() - started
            judged = evaluate(run.path, against="validation", data_root=options.data_root)
            taken = {figure.name: f"{figure.value:.3g} (real {figure.yardstick:.3g})" for figure in judged.figures}
            cells = [taken.get(name, "–") for name in FIGURES]
            print(f"| `{preset}` | {seconds / 60:.1f} | {images / seconds:,.0f} | {' | '.join(cells)} |", flush=True)
            if options.grids:
                options.grids.mkdir(parents=True, exist_ok=True)
                samples = GAN.load(run.path).sample(100, balanced=True)
                grid = image_grid(samples.images, columns=10) if samples.labels is None else class_rows(samples, 10)
                save_png(grid, options.grids / f"{preset}.png")


if __name__ == "__main__":
    main()
