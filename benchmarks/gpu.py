"""How quick is training on a GPU: as it is, compiled, and by CUDA graphs; and how soon are the images good?

python benchmarks/gpu.py                            # the default preset and R3GAN's published size, at 32x32 in color
python benchmarks/gpu.py --preset residual --batch 16 64 256 --side 28 --channels 1
python benchmarks/gpu.py --data cifar10 --minutes 20

The set-up time of a compiled way is that of its first updates. Runs on a CPU too, without CUDA graphs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from elmyr import ImageSet, train
from elmyr.core import machine
from elmyr.core.files import read_lines
from elmyr.engine.data import ResidentData
from elmyr.engine.pace import UPDATES_AT_ONCE
from elmyr.tasks.gan.config import adversarial_config, gan_config, settled_choices
from elmyr.tasks.gan.speed import COUNTED_BATCH, convolution_peak, flops_per_image
from elmyr.tasks.gan.task import AdversarialTask

CLASSES, IMAGES = 10, 4_096
SECONDS = 10.0
BATCHES = {"residual": (16, 64, 256), "r3gan": (64, 512)}


def compiled(task: AdversarialTask, mode: str) -> None:
    """Puts compiled networks into a task, except where a penalty differentiates twice, which torch cannot compile."""
    task.generator.forward = torch.compile(task.generator.forward, mode=mode)
    plain, quick = task.discriminator.features, torch.compile(task.discriminator.features, mode=mode)

    def features(images: torch.Tensor) -> torch.Tensor:
        learns = next(task.discriminator.parameters()).requires_grad  # it does not in the generator's step
        return plain(images) if images.requires_grad and learns else quick(images)

    task.discriminator.features = features  # type: ignore[method-assign]  # for this task alone


WAYS: dict[str, Callable[[AdversarialTask], None]] = {
    "as it is": lambda task: None,
    "compiled": lambda task: compiled(task, "default"),
    "CUDA graphs": lambda task: compiled(task, "reduce-overhead"),
}


def new_task(preset: str, batch: int, images: ImageSet, device: torch.device, precision: str) -> AdversarialTask:
    choices = settled_choices(preset, {"batch": batch}, images)
    gan, game = gan_config(choices, images), adversarial_config(choices)
    return AdversarialTask(gan, game, batch=batch, seed=0, device=device, precision=precision)


def updates(task: AdversarialTask, data: ResidentData, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        torch.compiler.cudagraph_mark_step_begin()
        scalars = task.update(data.batch(number * task.batch, task.batch), number * task.batch)
    scalars["generator_loss"].item()  # waits for the device


def speeds(options: argparse.Namespace, device: torch.device, precision: str) -> None:
    """A table: images a second of each preset, batch and way, the share of the peak, and the memory."""
    peak = convolution_peak(device, precision)
    print(f"3x3 convolutions, forward and backward: {peak / 1e12:.3g} TFLOP/s in {precision}\n")
    print("| preset | batch | way | set-up | images/s | share of the peak | MB |\n|" + " --- |" * 7, flush=True)
    shape = IMAGES, options.side, options.side, options.channels
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    images = ImageSet(pixels, np.arange(IMAGES) % CLASSES)
    data = ResidentData(images, seed=0, device=device)
    for preset in options.preset:
        flops = flops_per_image(new_task(preset, COUNTED_BATCH, images, device, precision), data)
        for batch in options.batch or BATCHES.get(preset, (64,)):
            for way in WAYS:
                if way == "CUDA graphs" and device.type != "cuda":
                    continue
                task = new_task(preset, batch, images, device, precision)
                setup, speed, memory = timed(task, data, WAYS[way], device)
                figures = f"{setup:.1f} s | {speed:,.0f} | {speed * flops / peak:.0%} | {memory}"
                print(f"| {preset} | {batch} | {way} | {figures} |", flush=True)


def timed(
    task: AdversarialTask, data: ResidentData, prepare: Callable[[AdversarialTask], None], device: torch.device
) -> tuple[float, float, str]:
    """Seconds of the first updates, images a second after them, and the most megabytes of the device's memory."""
    torch.compiler.reset()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    prepare(task)
    started = time.perf_counter()
    updates(task, data, UPDATES_AT_ONCE)
    setup, started, done = time.perf_counter() - started, time.perf_counter(), 0
    while done == 0 or time.perf_counter() < started + SECONDS:
        updates(task, data, UPDATES_AT_ONCE, start=done)
        done += UPDATES_AT_ONCE
    speed = done * task.batch / (time.perf_counter() - started)
    memory = f"{torch.cuda.max_memory_allocated(device) / 1e6:,.0f}" if device.type == "cuda" else "–"
    return setup, speed, memory


def course(options: argparse.Namespace) -> None:
    """A table: the Fréchet distance that the watch saw, against seconds and images seen, of a training by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        run = train(
            options.data,
            out=Path(folder) / "run",
            preset=options.preset[0],
            minutes=options.minutes,
            device=options.device,
            precision=options.precision,
            data_root=options.data_root,
        )
        print("| images seen | seconds | Fréchet distance, by the watch |\n| --- | --- | --- |")
        seconds = 0.0
        for line in read_lines(run.metrics):
            seconds = line.get("seconds", seconds)
            if "watch_frechet_distance" in line:
                print(f"| {line['images']:,} | {seconds:,.0f} | {line['watch_frechet_distance']:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", nargs="+", default=["residual", "r3gan"])
    parser.add_argument("--batch", nargs="+", type=int)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--data", help="train on these images by the clock instead, with the first preset's own batch")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--data-root")
    options = parser.parse_args()
    device = machine.choose_device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else machine.environment()["cpu"]
    print(f"{name}, torch {torch.__version__}\n")
    if options.data:
        course(options)
    else:
        speeds(options, device, machine.choose_precision(options.precision, device))


if __name__ == "__main__":
    main()
