"""How fast a machine computes convolutions, and how near to that training comes."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from elmyr.core import machine
from elmyr.engine.data import ResidentData
from elmyr.engine.pace import UPDATES_AT_ONCE, measured_speed
from elmyr.engine.rules import BUDGET
from elmyr.images import ImageSet
from elmyr.tasks.gan.config import adversarial_config, gan_config, settled_choices
from elmyr.tasks.gan.task import AdversarialTask

PEAK_SHAPES = ((64, 14), (128, 7), (128, 14))  # channels and sides of the maps whose 3x3 convolutions are timed
PEAK_BATCH = 64
PEAK_TRIES = 8
TRY_SECONDS = 0.05
EXAMPLE_SIDE, EXAMPLE_IMAGES, EXAMPLE_CLASSES = 28, 1_280, 10
COUNTED_BATCH = 8  # FLOPs per image are those of any batch


@dataclass(frozen=True)
class Speed:
    """What a machine computes a second, in floating-point operations: a multiply-add counts as two."""

    device: str
    precision: str
    threads: int
    peak: float  # FLOP/s of the quickest 3x3 convolution, forward and backward
    images_per_second: float  # the default preset's updates at 28x28 pixels, gray, ten classes
    flops_per_image: float  # of these updates, penalties included; convolutions and matrix products alone

    @property
    def share(self) -> float:
        """The share of the peak that the updates reach."""
        return self.images_per_second * self.flops_per_image / self.peak

    @property
    def minutes(self) -> float:
        """How long the default budget takes, by the updates alone."""
        return BUDGET / self.images_per_second / 60

    def as_json(self) -> dict[str, Any]:
        """All of it, for a program."""
        return asdict(self) | {"share": self.share, "minutes": self.minutes}


def measure_speed(*, device: str = "auto", precision: str = "auto", seconds: float = 10.0) -> Speed:
    """Times convolutions and the default preset's updates, about `seconds` long, on random pixels.

    Other work on the machine makes both slower, not always by the same share.
    """
    chosen = machine.choose_device(device)
    asked = machine.choose_precision(precision, chosen)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (EXAMPLE_IMAGES, EXAMPLE_SIDE, EXAMPLE_SIDE, 1), np.uint8)
    images = ImageSet(pixels, np.arange(EXAMPLE_IMAGES) % EXAMPLE_CLASSES)
    choices = settled_choices("residual", {}, images)
    gan, game, batch = gan_config(choices, images), adversarial_config(choices), choices["batch"]
    data = ResidentData(images, seed=0, device=chosen)

    def task_of(images: int) -> AdversarialTask:
        return AdversarialTask(gan, game, batch=images, seed=0, device=chosen, precision=asked)

    flops = flops_per_image(task_of(COUNTED_BATCH), data)
    before = convolution_peak(chosen, asked)
    speed = measured_speed(task_of(batch), data, batch, seconds=seconds)
    peak = max(before, convolution_peak(chosen, asked))
    return Speed(str(chosen), asked, torch.get_num_threads(), peak, speed, flops)


def flops_per_image(task: AdversarialTask, data: ResidentData) -> float:
    """FLOPs that updates spend on an image, penalties included, by a task whose batch is `COUNTED_BATCH`."""
    with FlopCounter() as counter:
        for number in range(UPDATES_AT_ONCE):  # a whole number of penalty intervals
            task.update(data.batch(number * COUNTED_BATCH, COUNTED_BATCH), number * COUNTED_BATCH)
    return float(counter.flops / (UPDATES_AT_ONCE * COUNTED_BATCH))


class FlopCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own lacks annotations
    """Inside, sums the FLOPs of convolutions and matrix products, backward passes included, by torch's own formulas.

    In place of torch's `FlopCounterMode`, whose hooks on modules refuse inputs that gradients are asked of.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.flops += count(*args, **(kwargs or {}), out_val=result)
        return result


def convolution_peak(device: torch.device, precision: str) -> float:
    """FLOP/s of a 3x3 convolution with its backward pass, the best of several shapes and tries."""
    machine.keep_freed_memory()
    with machine.autocast(device, precision):
        return max(_convolution_speed(device, *shape) for shape in PEAK_SHAPES)


def _convolution_speed(device: torch.device, channels: int, side: int) -> float:
    """The best try, each of as many repeats as last for `TRY_SECONDS`: a quick device is busy then, not waited for."""
    low = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32

    def one(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device, dtype=low).to(memory_format=torch.channels_last).requires_grad_()

    maps, weights = one(PEAK_BATCH, channels, side, side), one(channels, channels, 3, 3)
    result = F.conv2d(maps, weights, padding=1)
    gradient, flops = torch.randn_like(result), 3 * 2 * result.numel() * channels * 9

    def seconds(repeats: int) -> float:
        started = time.perf_counter()
        for _ in range(repeats):
            torch.autograd.backward(F.conv2d(maps, weights, padding=1), gradient)
        assert weights.grad is not None
        weights.grad.sum().item()  # waits for the device
        return time.perf_counter() - started

    seconds(1)
    repeats = max(1, round(TRY_SECONDS / (seconds(4) / 4)))
    return repeats * flops / min(seconds(repeats) for _ in range(PEAK_TRIES))
