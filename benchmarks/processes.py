"""Two cores as two threads of one process, or as two processes of one thread: which trains quicker? Prints a table.

python benchmarks/processes.py [DATA]     on cores that have nothing else to do
python benchmarks/processes.py --images 320 --turns 1 --batches 16     a moment, to try it

For each batch the same training runs in turns: `elmyr train --threads 1`, then `--threads N`, then by N processes under
torchrun, `--threads 1` in each. All see the same batches. What is compared is the images/s of the training's loop, as
`summary.json` has it; the ratio is that to one process of N threads, of the same turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from elmyr.core import machine
from elmyr.core.files import read_json
from elmyr.core.thread_counts import PINNING, cores


def speed(launcher: list[str], options: argparse.Namespace, batch: int, threads: int) -> float:
    """The images/s of a training's loop, started by a launcher of Python."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = ["-m", "elmyr", "train", options.data, "--images", str(options.images), "--set", f"batch={batch}"]
        words += ["--threads", str(threads), "--device", "cpu", "--quiet", "--out", str(out)]
        if options.data_root:
            words += ["--data-root", options.data_root]
        around = {name: value for name, value in os.environ.items() if name not in PINNING}
        subprocess.run([sys.executable, *launcher, *words], env=around, check=True, stdout=subprocess.DEVNULL)
        return float(read_json(out / "summary.json")["images_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="digits")
    parser.add_argument("--data-root")
    parser.add_argument("--images", type=int, default=6_400, help="of each training")
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 64], help="each a multiple of --processes")
    parser.add_argument("--processes", type=int, default=cores())
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    many = options.processes
    group = ["-m", "torch.distributed.run", "--nproc-per-node", str(many), "--master-port", "0"]
    group += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    around = machine.environment()
    print(f"{around['cpu']}, {cores()} cores, torch {around['torch']}, {options.turns} turns, medians\n", flush=True)
    print(
        f"| batch | 1 thread | {many} threads | {many} processes | ratio (each turn) |\n| --- | --- | --- | --- | --- |"
    )
    for batch in options.batches:
        turns = [
            (speed([], options, batch, 1), speed([], options, batch, many), speed(group, options, batch, 1))
            for _ in range(options.turns)
        ]
        one, threads, processes = (statistics.median(column) for column in zip(*turns, strict=True))
        ratios = [processes / threads for _, threads, processes in turns]
        told = f"{statistics.median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})"
        print(f"| {batch} | {one:,.0f} | {threads:,.0f} | {processes:,.0f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
