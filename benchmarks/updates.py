"""How much faster are a GAN's updates than those of another checkout? Both in turns, each in a process of its own.

python benchmarks/updates.py ../before .                          # ratio of the default preset's updates, 28x28, gray
python benchmarks/updates.py ../before . --preset style --batch 64 --precision fp32
python benchmarks/updates.py . --operations 25                    # what one update is made of, by torch's profiler

One computes at a time, on `--threads`, a turn of each after the other: what else the machine does meets both alike, and
the median of the turns' ratios is what counts. On one thread the processor's time is taken, not the clock's. A turn is
a whole number of penalty intervals. Images are of noise.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

CLASSES, IMAGES = 10, 4_096
INTERVAL = 4  # updates from one with R1 and R2 to the next
WARM_UP = 3 * INTERVAL


class Updates:
    """A training of the checkout whose source is imported, also of one in which elmyr's rooms had other names."""

    def __init__(self, options: argparse.Namespace) -> None:
        import numpy as np
        import torch

        from elmyr import ImageSet

        try:
            from elmyr.core import machine
            from elmyr.engine.data import ResidentData
            from elmyr.engine.saving.logbook import Logbook
            from elmyr.tasks.gan.config import adversarial_config, gan_config, settled_choices
            from elmyr.tasks.gan.task import AdversarialTask
        except ModuleNotFoundError:  # a checkout of before 2026-11-27
            from elmyr import machine  # type: ignore[attr-defined,no-redef]
            from elmyr.training.adversarial import AdversarialTask  # type: ignore[import-not-found,no-redef]
            from elmyr.training.config import (  # type: ignore[import-not-found,no-redef]
                adversarial_config,
                gan_config,
                settled_choices,
            )
            from elmyr.training.data import ResidentData  # type: ignore[import-not-found,no-redef]
            from elmyr.training.logbook import Logbook  # type: ignore[import-not-found,no-redef]

        torch.set_num_threads(options.threads)
        self.clock = time.process_time if options.threads == 1 else time.perf_counter
        device = torch.device("cpu")
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (IMAGES, options.side, options.side, options.channels), np.uint8)
        images = ImageSet(pixels, np.arange(IMAGES) % CLASSES)
        choices = settled_choices(options.preset, {"batch": options.batch} if options.batch else {}, images)
        gan, game = gan_config(choices, images), adversarial_config(choices)
        precision = machine.choose_precision(options.precision, device)
        self.batch = choices["batch"]
        self.task = AdversarialTask(gan, game, batch=self.batch, seed=0, device=device, precision=precision)
        self.data, self.logbook, self.position = ResidentData(images, seed=0, device=device), Logbook(None), 0
        machine.keep_freed_memory()
        self.run(WARM_UP)

    def run(self, updates: int) -> float:
        """Makes so many updates; returns seconds: on one thread those that it computed."""
        started = self.clock()
        for _ in range(updates):
            batch = self.data.batch(self.position, self.batch)
            self.logbook.add(self.task.update(batch, self.position), self.position)
            self.position += self.batch
        return self.clock() - started

    def show_operations(self, rows: int) -> None:
        """Prints a table of the operations of an update, the mean over some."""
        from torch.profiler import ProfilerActivity, profile

        updates = 4 * INTERVAL
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            self.run(updates)
        own, count = Counter[str](), Counter[str]()
        for event in profiler.key_averages():
            own[event.key] += event.self_cpu_time_total
            count[event.key] += event.count
        whole = sum(own.values())
        print(f"{whole / updates / 1e3:.1f} ms and {sum(count.values()) / updates:.0f} operations an update\n")
        print("| operation | of the time | an update |\n| --- | --- | --- |")
        for name, spent in own.most_common(rows):
            print(f"| {name} | {spent / whole:.1%} | {count[name] / updates:.1f} |")


def serve(options: argparse.Namespace) -> None:
    """Answers numbers of updates with the seconds that they take."""
    updates = Updates(options)
    print(json.dumps(updates.batch), flush=True)
    for line in sys.stdin:
        print(updates.run(int(line)), flush=True)


def started(checkout: Path, options: argparse.Namespace) -> subprocess.Popen[str]:
    words = [word for name, value in vars(options).items() if name in ASKED for word in (f"--{name}", str(value))]
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve() / "src"), "OMP_NUM_THREADS": str(options.threads)}
    command = [sys.executable, __file__, "--serve", *words, str(checkout)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def compare(options: argparse.Namespace) -> None:
    processes = [started(checkout, options) for checkout in options.checkout]
    (batch, *_), turns = [told(process) for process in processes], list[list[float]]()
    for _ in range(options.turns):
        turn = []
        for process in processes:
            print(options.updates, file=process.stdin, flush=True)
            turn.append(told(process))
        turns.append(turn)
    for process in processes:
        process.communicate()
    print(f"{options.preset}, batch {batch}, {options.precision}, {options.threads} threads, {options.turns} turns")
    for number, checkout in enumerate(options.checkout):
        seconds = [turn[number] for turn in turns]
        print(f"{checkout}: {options.updates * batch / statistics.median(seconds):,.0f} images/s")
        if number:
            ratios = sorted(turn[0] / turn[number] for turn in turns)
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"ratio to the first {middle:.3f} (half of the turns: {low:.3f} to {high:.3f})")


ASKED = ("preset", "batch", "side", "channels", "precision", "threads")


def main() -> None:
    """Prints the ratio, or the operations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", nargs="+", type=Path)
    parser.add_argument("--preset", default="residual")
    parser.add_argument("--batch", type=int, default=0, help="0: by the rule")
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--updates", type=int, default=4 * INTERVAL, help="in a turn")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--operations", type=int, default=0, help="rows of the table; of the elmyr that is imported")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options)
    elif options.operations:
        Updates(options).show_operations(options.operations)
    else:
        compare(options)


if __name__ == "__main__":
    main()
