"""How long do the commands take, and does `--minutes` keep its word? Prints a table.

python benchmarks/commands.py digits --minutes 1
python benchmarks/commands.py mnist --minutes 1 --data-root path/to/data
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PROGRAM = [shutil.which("elmyr", path=str(Path(sys.executable).parent)) or "elmyr"]
REPEATS = 5


def seconds_of(words: Sequence[str | Path]) -> float:
    """The wall time of an elmyr command, as a process of its own."""
    started = time.monotonic()
    subprocess.run([*PROGRAM, *map(str, words)], check=True, capture_output=True)
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--data-root")
    options = parser.parse_args()
    root = ["--data-root", options.data_root] if options.data_root else []

    with tempfile.TemporaryDirectory() as folder:
        run, samples = Path(folder) / "run", Path(folder) / "samples.npz"
        rows = [("elmyr --help", sorted(seconds_of(["--help"]) for _ in range(REPEATS)), "at most 0.3 s")]
        train = ["train", options.data, "--minutes", str(options.minutes), "--out", run, "--quiet", *root]
        rows.append((f"elmyr train {options.data} --minutes {options.minutes:g}", [seconds_of(train)], "within 5 %"))
        sample = ["sample", run, "-n", "10000", "--out", samples, "--quiet"]
        rows.append(
            ("elmyr sample RUN -n 10000", sorted(seconds_of(sample) for _ in range(REPEATS)), "at most 10 s at 28x28")
        )
        environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))

    print(f"{environment['cpu']}, {environment['threads']} threads, {environment['precision']}, ", end="")
    print(f"torch {environment['torch']}, {time.strftime('%Y-%m-%d', time.gmtime())}\n")
    print("| command | seconds: least, median, most | aim |\n| --- | --- | --- |")
    for command, times, aim in rows:
        print(f"| `{command}` | {times[0]:.2f}, {times[len(times) // 2]:.2f}, {times[-1]:.2f} | {aim} |")
    print(f"\nThe training saw {summary['images']:,} images, {summary['images_per_second']:,} a second.")


if __name__ == "__main__":
    main()
