"""How quick, and in how much memory, is a set of ten million images opened, split, read in batches and resized?

The file is sparse: it takes no room, and what is measured is elmyr, not the disk.

python benchmarks/large_sets.py --count 10000000
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SIDE, CHANNELS = 64, 3
BATCH = 64

READ = """
from elmyr.images import open_source, split_source
from elmyr.engine.data import ResidentData
import torch
ready = peak()
with timed("open"):
    source = open_source(FILE)
with timed("split"):
    splits = split_source(source, 0)
data = ResidentData(splits.train, seed=0, device=torch.device("cpu"))
data.order(0, 1)  # the first permutation of a pass
with timed("batches"):
    for position in range(0, READ, BATCH):
        data.batch(position, BATCH)
told |= {"images": len(source.train), "training": len(splits.train), "ready": ready}
"""
RESIZE = """
from elmyr.images import load_images, Shaping
with timed("resize"):
    told["images"] = len(load_images(FILE, shaping=Shaping(size=(32, 32), limit=LIMIT)))
"""
AROUND = """
import json, resource, time
from contextlib import contextmanager
told = {{}}
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
@contextmanager
def timed(name):
    started = time.monotonic()
    yield
    told[name] = time.monotonic() - started
FILE, READ, LIMIT, BATCH = {file!r}, {read}, {limit}, {batch}
{work}
print(json.dumps(told | {{"peak": peak()}}))
"""


def write_sparse(path: Path, count: int) -> None:
    """An `.npy` file of images whose bytes are all zero but for those of the first."""
    with path.open("wb") as file:
        shape = (count, SIDE, SIDE, CHANNELS)
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        start = file.tell()
        file.write(np.random.default_rng(0).integers(0, 256, shape[1:], dtype=np.uint8).tobytes())
        file.truncate(start + count * SIDE * SIDE * CHANNELS)


def measured(work: str, file: Path, *, read: int = 0, limit: int = 0) -> dict[str, float]:
    """What a program of its own tells: seconds by name, images, and the peak of its memory in MiB."""
    program = AROUND.format(file=str(file), read=read, limit=limit, batch=BATCH, work=work)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000_000)
    parser.add_argument("--read", type=int, default=64_000, help="images that are read in batches")
    parser.add_argument("--resize", type=int, default=100_000, help="images that are resized; twice as many, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "large.npy"
        write_sparse(file, options.count)
        print(f"{options.count:,} images of {SIDE}x{SIDE}x{CHANNELS}, {file.stat().st_size / 1e9:,.1f} GB, sparse\n")
        told = measured(READ, file, read=options.read)
        print("| what | figure |\n| --- | --- |")
        print(f"| opened | {told['open']:.2f} s |")
        print(f"| split, {told['training']:,.0f} for training | {told['split']:.2f} s |")
        print(f"| batches of {BATCH} | {options.read / told['batches']:,.0f} images/s |")
        print(f"| peak memory | {told['peak']:,.0f} MiB, of which {told['ready']:,.0f} before it was opened |")
        for limit in (options.resize, 2 * options.resize):
            told = measured(RESIZE, file, limit=limit)
            print(
                f"| {limit:,} of them chosen and resized to 32x32 | {told['resize']:.1f} s, {told['peak']:,.0f} MiB |"
            )


if __name__ == "__main__":
    main()
