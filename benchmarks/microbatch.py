"""What does a batch in parts cost, in memory and time? The default preset's updates, each size in a process of its own.

python benchmarks/microbatch.py --batch 1024 0 256 64 16
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from multiprocessing import get_context

import numpy as np
import torch

from elmyr import ImageSet
from elmyr.core import machine
from elmyr.engine.data import ResidentData
from elmyr.tasks.gan.config import adversarial_config, gan_config, settled_choices
from elmyr.tasks.gan.task import AdversarialTask

SIDE = 28
UPDATES = 8  # two intervals of the penalties


def costs(batch: int, microbatch: int, device: str) -> tuple[float, float]:
    """Images a second, and the megabytes that the updates add at most to what is there before them."""
    chosen = machine.choose_device(device)
    pixels = np.random.default_rng(0).integers(0, 256, (2_000, SIDE, SIDE, 1), np.uint8)
    images = ImageSet(pixels, np.arange(2_000) % 10)
    choices = settled_choices("residual", {"batch": batch, "adversarial.microbatch": microbatch}, images)
    precision = machine.choose_precision("auto", chosen)
    task = AdversarialTask(
        gan_config(choices, images),
        adversarial_config(choices),
        batch=batch,
        seed=0,
        device=chosen,
        precision=precision,
    )
    before = peak(chosen)
    data = ResidentData(images, seed=0, device=chosen)
    machine.keep_freed_memory()
    task.update(data.batch(0, batch), 0)
    started = time.perf_counter()
    for number in range(UPDATES):
        scalars = task.update(data.batch(number * batch, batch), number * batch)
    scalars["generator_loss"].item()  # waits for the device
    return UPDATES * batch / (time.perf_counter() - started), peak(chosen) - before


def peak(device: torch.device) -> float:
    """The most megabytes that the process has held so far, of the device's memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("microbatches", nargs="+", type=int, help="images at once; 0 for the whole batch")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    print(f"{machine.environment()['cpu']}, {torch.get_num_threads()} threads, batch {options.batch:,}\n")
    print("| images at once | images/s | MB more than before the first update |\n| --- | --- | --- |", flush=True)
    for microbatch in options.microbatches:
        with get_context("spawn").Pool(1) as pool:
            speed, added = pool.apply(costs, (options.batch, microbatch, options.device))
        print(f"| {microbatch or options.batch:,} | {speed:,.0f} | {added:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
