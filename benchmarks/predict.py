"""How long does a prediction by path take, as a whole command, and how much memory? Prints a table.

python benchmarks/predict.py
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from commands import PROGRAM
from PIL import Image

from elmyr.images import load_images

REPEATS = 5
PHOTO = (3000, 4000)  # height and width: 12 megapixels


def measured(words: Sequence[str | Path]) -> tuple[float, float]:
    """Seconds, and megabytes at the most, of a command as a process of its own."""
    started = time.monotonic()
    process = subprocess.Popen([*words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, words
    scale = 1 << (20 if sys.platform == "darwin" else 10)
    return time.monotonic() - started, used.ru_maxrss / scale


def row_of(what: str, words: Sequence[str | Path], repeats: int = REPEATS) -> str:
    seconds, megabytes = zip(*(measured(words) for _ in range(repeats)), strict=True)
    times = sorted(seconds)
    return f"| {what} | {times[0]:.2f}, {times[len(times) // 2]:.2f}, {times[-1]:.2f} | {max(megabytes):,.0f} |"


def lay_out(folder: Path, digits: int, photos: int) -> None:
    pixels = load_images("digits").in_memory()[..., 0]
    rng = np.random.default_rng(0)
    for name, count in (("few", 100), ("many", digits)):
        (folder / name).mkdir()
        for number in range(count):
            Image.fromarray(pixels[number % len(pixels)]).save(folder / name / f"{number}.png")
    (folder / "photos").mkdir()
    rough = Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8))
    photo = rough.resize(PHOTO[::-1], Image.Resampling.BICUBIC)
    for number in range(photos):
        photo.save(folder / "photos" / f"{number}.jpg", quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--photos", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, options.many, options.photos)
        run = folder / "run"
        subprocess.run(
            [*PROGRAM, "recognizer", "train", "digits", "--updates", "20", "--out", run, "--quiet"], check=True
        )
        predict = [*PROGRAM, "predict", run]
        rows = [
            row_of("`python -c 'import torch'`", [sys.executable, "-c", "import torch"]),
            row_of("100 PNG files of 8x8", [*predict, folder / "few"]),
            row_of(f"{options.many:,} PNG files of 8x8", [*predict, folder / "many"], 1),
            row_of(f"{options.photos} JPEG files of 12 megapixels", [*predict, folder / "photos"], 1),
        ]
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(f"{os.cpu_count()} cores, OMP_NUM_THREADS {threads}, {time.strftime('%Y-%m-%d', time.gmtime())}\n")
    print("| what | seconds: least, median, most | MB |\n| --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
