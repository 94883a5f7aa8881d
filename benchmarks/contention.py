"""How fast is a training beside other work? Whole small runs beside none, one and two busy processes.

python benchmarks/contention.py [DATA]     under six minutes on two cores that have nothing else to do
python benchmarks/contention.py --seconds 1 --minutes 0 --only "restorer train"     a moment, to try it

Each run is a process of its own, `elmyr …`, by `--threads auto` and on all cores, which was the rule before. Its
budget is what one thread trains in about so many seconds on the idle machine. A busy process is one of Python that
computes for ever. What is compared is the images/s of the training's loop, as `summary.json` has it, with those of
the idle machine by the same rule; the time of the whole command stands beside it. What takes half as long again on
all cores as by `auto` is stopped, and its speed is that of its last line in the log. At the end `--minutes` is held
against the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elmyr.core import machine
from elmyr.core.thread_counts import PINNING, cores

BUSY = (0, 1, 2)
TRAININGS = ("train", "recognizer train", "restorer train")
FIRST = 640  # images of the run that tells how fast one thread is
PATIENCE = 1.5


@dataclass(frozen=True)
class Ran:
    """A command that has ended. speed: the loop's images/s, or what was seen of it until it was stopped."""

    speed: float
    seconds: float
    whole: bool = True
    threads: str = ""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that compute all the time."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run(words: list[str], folder: Path, *, limit: float | None = None) -> Ran:
    """Trains by a command, in a directory of its own; stopped after `limit` seconds."""
    out = Path(tempfile.mkdtemp(dir=folder)) / "run"
    environment = {name: value for name, value in os.environ.items() if name not in PINNING}
    command = [sys.executable, "-m", "elmyr", *words, "--out", str(out), "--quiet"]
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment)
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        return Ran(seen_speed(out), time.monotonic() - started, whole=False)
    finally:
        process.kill()
        process.wait()
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}")
    stretches = json.loads((out / "threads.json").read_text()) if (out / "threads.json").exists() else []
    told = " ".join(f"{each['threads']}@{each['images']}" for each in stretches)
    return Ran(
        json.loads((out / "summary.json").read_text())["images_per_second"], time.monotonic() - started, True, told
    )


def seen_speed(out: Path) -> float:
    """The images/s that a stopped run had logged; 0 where it had not come so far."""
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()] if out.exists() else []
    logged = [line for line in lines if "seconds" in line]
    return logged[-1]["images"] / logged[-1]["seconds"] if logged else 0.0


def compare(training: str, data: str, seconds: float, folder: Path) -> None:
    """Prints a row for each number of busy processes."""
    words = [*training.split(), data]
    images = max(
        FIRST, int(seconds * run([*words, "--images", str(FIRST), "--threads", "1"], folder).speed) // 128 * 128
    )
    idle = dict[str, float]()
    for count in BUSY:
        row = [f"{training}, {images:,} images", str(count)]
        limit = None
        for how in ("auto", str(cores())):
            with busy(count):
                ran = run([*words, "--images", str(images), "--threads", how], folder, limit=limit)
            limit = limit or PATIENCE * ran.seconds
            idle.setdefault(how, ran.speed)
            share = f"{ran.speed / idle[how]:.0%}"
            row += [f"{ran.speed:,.1f}", share, f"{ran.seconds:.0f} s" if ran.whole else f"over {ran.seconds:.0f} s"]
            row += [ran.threads] if how == "auto" else []
        print(" | ".join(row), flush=True)


def on_time(minutes: float, data: str, count: int, folder: Path) -> str:
    """How long `train --minutes` takes beside so many busy processes."""
    with busy(count):
        ran = run(["train", data, "--minutes", str(minutes)], folder)
    off = ran.seconds / (60 * minutes) - 1
    return f"train --minutes {minutes:g} beside {count} busy: {ran.seconds:.1f} s, {off:+.1%}"


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="digits")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each training on one idle thread")
    parser.add_argument("--minutes", type=float, default=1.0, help="0: leave that out")
    parser.add_argument("--only", choices=TRAININGS)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # no busy process is left behind
    print(f"{machine.environment()['cpu']}, {cores()} cores, {options.data}, {machine.environment()['git_commit']}\n")
    head = ["training", "busy beside it", "auto: images/s", "of idle", "whole", "threads@images"]
    print(" | ".join([*head, "all cores: images/s", "of idle", "whole"]) + "\n" + " | ".join(["---"] * 9))
    with tempfile.TemporaryDirectory() as folder:
        for training in [options.only] if options.only else TRAININGS:
            compare(training, options.data, options.seconds, Path(folder))
        if options.minutes:
            print(f"\n{on_time(options.minutes, options.data, 1, Path(folder))}", flush=True)


if __name__ == "__main__":
    main()
