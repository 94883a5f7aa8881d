"""What do checkpoints cost? The share of a training's time that it waits for them, the default preset on 28x28 images.

python benchmarks/checkpoint.py --images 32k --data-root path/to/data
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from elmyr import train
from elmyr.engine.loop import TrainingLoop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="32k")
    parser.add_argument("--data-root")
    options = parser.parse_args()
    images = int(options.images.removesuffix("k")) * 1000

    waits: list[float] = []
    save = TrainingLoop._save

    def timed(self: TrainingLoop) -> None:
        started = time.perf_counter()
        save(self)
        waits.append(time.perf_counter() - started)

    TrainingLoop._save = timed  # type: ignore[method-assign]
    print("| checkpoints every | checkpoints | MB each | training waits for one | share of the time |")
    print("| --- | --- | --- | --- | --- |")
    for every in (images // 4, images // 16):
        waits.clear()
        with tempfile.TemporaryDirectory() as folder:
            settings = {"loop.checkpoint_every": every}
            run = train(
                "mnist", images=images, settings=settings, out=Path(folder) / "run", data_root=options.data_root
            )
            size = sum(path.stat().st_size for path in (run.checkpoints / f"images-{images:09d}").iterdir())
            seconds = float(json.loads(run.summary.read_text())["seconds"])
        of_all = sum(waits) / seconds
        mean = 1000 * sum(waits) / len(waits)
        print(f"| {every:,} images | {len(waits)} | {size / 1e6:.0f} | {mean:.0f} ms | {of_all:.2%} |", flush=True)


if __name__ == "__main__":
    main()
