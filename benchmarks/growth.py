"""What does more work cost? Speed and memory of the default preset against images seen, sides, width and set size.

python benchmarks/growth.py --page growth.html
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from elmyr import ImageSet
from elmyr.core import machine
from elmyr.engine.data import ResidentData
from elmyr.engine.pace import measured_speed
from elmyr.report.charts.svg import Series, line_chart
from elmyr.report.parts.markup import tag
from elmyr.report.parts.page import page, section
from elmyr.tasks.gan.config import adversarial_config, gan_config, settled_choices
from elmyr.tasks.gan.task import AdversarialTask

SIDES = (8, 12, 16, 28, 32, 48, 64)
WIDTHS = (16, 32, 48, 64, 96, 128)
SET_SIZES = (1_000, 10_000, 100_000, 1_000_000)
SEEN = (4_000, 8_000, 12_000, 16_000, 20_000, 24_000)
GROWING = (
    ("side", "pixels a side", SIDES),
    ("base", "channels (network.base)", WIDTHS),
    ("count", "images of the set", SET_SIZES),
)
SECONDS = 4.0

Points = Sequence[tuple[float, float]]


def memory() -> float:
    """MB that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def prepared(
    side: int = 28, count: int = 2_000, base: int | None = None
) -> tuple[AdversarialTask, ResidentData, int, float]:
    """A task, its data, its batch, and its FLOPs a pass of both networks."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, 1), np.uint8)
    images = ImageSet(pixels, np.arange(count) % 10)
    settings = {} if base is None else {"network.base": base}
    choices = settled_choices("residual", settings, images)
    gan, device = gan_config(choices, images), machine.choose_device()
    precision = machine.choose_precision("auto", device)
    game, batch = adversarial_config(choices), choices["batch"]
    task = AdversarialTask(gan, game, batch=batch, seed=0, device=device, precision=precision)
    return task, ResidentData(images, seed=0, device=device), batch, sum(cost.flops for cost in gan.costs()) / 1e6


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def grown(name: str, values: Sequence[int]) -> Points:
    """Milliseconds an image for each value of a size; prints them."""
    points, rows = [], []
    for value in values:
        task, data, batch, flops = prepared(**{name: value})
        speed = measured_speed(task, data, batch, seconds=SECONDS)
        points.append((float(value), 1000 / speed))
        rows.append([f"{value:,}", f"{flops:,.0f}", f"{speed:,.0f}", f"{1000 / speed:.2f}", f"{memory():,.0f}"])
    table([name, "MFLOP of both networks", "images/s", "ms an image", "MB"], rows)
    return points


def seen() -> tuple[Points, Points]:
    """Seconds and megabytes after so many images seen, in one training; prints them."""
    task, data, batch, _ = prepared(count=50_000)
    machine.keep_freed_memory()
    started, position = time.perf_counter(), 0
    times, sizes = [(0.0, 0.0)], []
    for stop in SEEN:
        while position < stop:
            task.update(data.batch(position, batch), position)
            position += batch
        times.append((float(position), time.perf_counter() - started))
        sizes.append((float(position), memory()))
    rows = [
        [f"{at:,.0f}", f"{spent:.1f}", f"{size:,.0f}"] for (at, spent), (_, size) in zip(times[1:], sizes, strict=True)
    ]
    table(["images seen", "seconds", "MB"], rows)
    return times, sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, help="an HTML page that draws the figures")
    options = parser.parse_args()
    print(f"{machine.environment()['cpu']}, {torch.get_num_threads()} threads\n")
    times, sizes = seen()
    costs = [(across, grown(name, values)) for name, across, values in GROWING]
    if options.page:
        options.page.write_text(drawn(times, sizes, costs), encoding="utf-8")


def drawn(times: Points, sizes: Points, costs: Sequence[tuple[str, Points]]) -> str:
    """The page: seconds and megabytes against images seen, milliseconds an image against each size that grew."""
    charts = [
        line_chart("Seconds", [Series("seconds", "generated", times)], from_zero=True),
        line_chart("Megabytes", [Series("MB", "real", sizes)], from_zero=True),
        *(
            line_chart("Milliseconds an image", [Series("ms", "generated", points)], across=across, from_zero=True)
            for across, points in costs
        ),
    ]
    return page("What more work costs", section("The default preset", tag("div", *charts, class_="charts")))


if __name__ == "__main__":
    main()
