"""How long does a prediction by path take, as a whole command, and how much memory? Prints a table.

python benchmarks/predict.py
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from commands import PROGRAM
from PIL import Image

from elmyr.images import load_images

REPEATS = 5
REQUESTS = 20
PHOTO = (3000, 4000)  # height and width: 12 megapixels


def measured(words: Sequence[str | Path]) -> tuple[float, float, float]:
    """Seconds, those of a core, and megabytes at the most, of a command as a process of its own."""
    started = time.monotonic()
    process = subprocess.Popen([*words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, words
    scale = 1 << (20 if sys.platform == "darwin" else 10)
    return time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / scale


def row_of(what: str, words: Sequence[str | Path], repeats: int = REPEATS) -> str:
    seconds, of_a_core, megabytes = zip(*(measured(words) for _ in range(repeats)), strict=True)
    return f"| {what} | {told(seconds)} | {min(of_a_core):.2f} | {max(megabytes):,.0f} |"


def told(seconds: Sequence[float]) -> str:
    times = sorted(seconds)
    return ", ".join(f"{one:.2f}" for one in (times[0], times[len(times) // 2], times[-1]))


def is_ready(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}health/ready", timeout=60).status == 200
    except urllib.error.HTTPError:
        return False


def over_http(run: Path, photo: Path, prepare: str) -> str:
    """Seconds from a request with a photo to its answer, the model being open."""
    process = subprocess.Popen([*PROGRAM, "serve", run, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://[\d.:]+/", line)))
        asked = f"{address}v1/models/{run.name}/recognize?prepare={prepare}"
        while not is_ready(address):
            time.sleep(0.1)
        seconds = []
        for _ in range(1 + REQUESTS):  # the first opens the model
            request = urllib.request.Request(asked, photo.read_bytes(), {"content-type": "image/jpeg"})
            started = time.monotonic()
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
            seconds.append(time.monotonic() - started)
    finally:
        process.terminate()
        process.wait()
    return f"| `recognize?prepare={prepare}` with a JPEG of 12 megapixels | {told(seconds[1:])} | | |"


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
            *(over_http(run, folder / "photos" / "0.jpg", prepare) for prepare in ("model", "digit")),
        ]
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(f"{os.cpu_count()} cores, OMP_NUM_THREADS {threads}, {time.strftime('%Y-%m-%d', time.gmtime())}\n")
    print("| what | seconds: least, median, most | of a core | MB |\n| --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
