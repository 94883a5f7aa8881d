"""How long does it take to open a folder of PNG files? Beside Pillow in a plain loop, and `datasets` where installed.

python benchmarks/images.py --count 60000
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from elmyr.images import ImageSet, save_images

SIDE, CLASSES = 28, 10
PROGRAMS = {
    "elmyr, the first time": "from elmyr.images import open_source; print(len(open_source(FOLDER).train))",
    "elmyr, again": "from elmyr.images import open_source; print(len(open_source(FOLDER).train))",
    "Pillow in a loop": (
        "import glob, numpy, PIL.Image as I; "
        "print(len(numpy.stack([numpy.asarray(I.open(f)) for f in sorted(glob.glob(FOLDER + '/*/*.png'))])))"
    ),
    "datasets, the first time": (
        "import datasets, numpy; s = datasets.load_dataset('imagefolder', data_dir=FOLDER, split='train'); "
        "print(len(numpy.stack([numpy.asarray(i) for i in s['image']])))"
    ),
}


def seconds_of(program: str, folder: Path, scratch: Path) -> float | None:
    """The wall time of a Python program of its own less that of its imports; None where a library is missing."""
    imports, _, work = program.partition("; ")
    timed = f"{imports}\nimport time\nFOLDER = {str(folder)!r}\nstarted = time.monotonic()\n{work}\n"
    timed += "import json; print(json.dumps(time.monotonic() - started))"
    environment = os.environ | {"ELMYR_CACHE_DIR": str(scratch), "HF_HOME": str(scratch), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, env=environment)
    if "ModuleNotFoundError" in done.stderr:
        return None
    done.check_returncode()
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60_000)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    pixels = np.zeros((options.count, SIDE, SIDE, 1), np.uint8)
    pixels[:, 6:22, 8:20] = random.integers(0, 256, (options.count, 16, 12, 1), dtype=np.uint8)
    labels = random.integers(0, CLASSES, options.count)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "images"
        started = time.monotonic()
        save_images(ImageSet(pixels, labels, tuple(map(str, range(CLASSES)))), folder)
        print(f"{options.count:,} PNG files of {SIDE}x{SIDE}, Pillow {Image.__version__}, {os.cpu_count()} cores\n")
        (folder / "labels.csv").unlink()  # so that all read the same class folders
        print("| what | seconds | images/s |\n| --- | --- | --- |")
        rows = {"elmyr, writing them": time.monotonic() - started}
        rows |= {name: seconds_of(program, folder, Path(scratch) / "cache") for name, program in PROGRAMS.items()}
        for name, seconds in rows.items():
            told = "not installed |" if seconds is None else f"{seconds:.2f} | {options.count / seconds:,.0f}"
            print(f"| {name} | {told} |")


if __name__ == "__main__":
    main()
