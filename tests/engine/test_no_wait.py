"""No update waits for the device: all tasks on torch's device without data, where a number that is read is an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from elmyr import Recognizer
from elmyr.core import machine
from elmyr.engine.data import ResidentData
from elmyr.engine.saving.logbook import Logbook
from elmyr.engine.task import BatchSource, Task
from elmyr.images import ImageSet
from elmyr.losses.penalties import PENALTIES
from elmyr.tasks.gan.config import adversarial_config, gan_config, settled_choices
from elmyr.tasks.gan.task import AdversarialTask
from elmyr.tasks.recognition.learning.fitting import Fitting
from elmyr.tasks.recognition.learning.lesson import Lesson
from elmyr.tasks.restoration.config import RestorerChoices
from elmyr.tasks.restoration.corruptions import KINDS
from elmyr.tasks.restoration.damage import damage_of
from elmyr.tasks.restoration.task import RestorerTask
from elmyr.tasks.translation.batches import DomainData
from elmyr.tasks.translation.config import TranslatorChoices
from elmyr.tasks.translation.task import TranslatorTask
from tests.conftest import small_image_set

NOWHERE = torch.device("meta")
BATCH, UPDATES = 8, 1
SMALL = {"batch": BATCH, "network.latent": 20}
GAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "default": ("residual", {}),
    "in parts, of a code": (
        "residual",
        {
            "adversarial.microbatch": 5,
            "conditional": False,
            "code.categories": 4,
            "code.values": 1,
            "auxiliary.information": 1.0,
        },
    ),
    "every penalty": (
        "residual",
        {f"penalties.{name}": 1.0 for name in PENALTIES},
    ),
    "every augmentation": (
        "residual",
        {
            "augmentation.adaptive": True,
            "augmentation.noise": 0.1,
            "augmentation.crop": 0.2,
            "augmentation.horizontal_flip": True,
            "stabilizers.instance_noise": 0.1,
            "stabilizers.clip_weights": 0.1,
        },
    ),
}


class Copies(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own lacks annotations
    """Inside, no operation takes what lies on the CPU to the device by itself: `machine.to_device` alone does."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.made = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        seen = [each for each in tree_leaves((args, kwargs or {}, result)) if isinstance(each, torch.Tensor)]
        places = {each.device for each in seen if each.dim() or func is torch.ops.aten._to_copy.default}
        if len(places) > 1:
            assert _is_called(machine.to_device), f"{func} of {[each.shape for each in seen]} waits for a copy"
            self.made += 1
        return result


def _is_called(function: Callable[..., Any]) -> bool:
    frame = sys._getframe()
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return frame is not None


@torch.no_grad()
def descend(optimizer: torch.optim.Optimizer) -> None:
    for group in optimizer.param_groups:
        for weight in group["params"]:
            weight -= group["lr"] * weight.grad


def updated(task: Task, data: BatchSource) -> int:
    """Makes some updates and notes their scalars; how many copies went to the device."""
    for optimizer in task.optimizers.values():  # the fused step has no kernel for a device without data
        optimizer.step = partial(descend, optimizer)  # type: ignore[method-assign]
    book = Logbook(None)
    with Copies() as copies:
        for position in range(0, UPDATES * BATCH, BATCH):
            book.add(task.update(data.batch(position, BATCH), position), position)
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        book.drain(0, {})
    return copies.made


def game(images: ImageSet, preset: str, settings: dict[str, Any]) -> AdversarialTask:
    small = {"batch": BATCH, "network.latent": 16}
    small |= {"network.base": 8, "network.embedding": 4} if preset == "residual" else {}
    choices = settled_choices(preset, small | settings, images)
    gan, config = gan_config(choices, images), adversarial_config(choices)
    return AdversarialTask(gan, config, batch=BATCH, seed=0, device=NOWHERE, precision="fp32")


def of(images: ImageSet) -> ResidentData:
    return ResidentData(images, seed=0, device=NOWHERE)


@pytest.mark.parametrize(("preset", "settings"), GAMES.values(), ids=GAMES)
def test_no_game_waits(preset: str, settings: dict[str, Any]) -> None:
    images = small_image_set(channels=3)
    of_size = {} if preset == "mlp" else {"network.base": 8, "network.embedding": 4}
    choices = settled_choices(preset, SMALL | of_size | settings, images)
    gan, config = gan_config(choices, images), adversarial_config(choices)
    task = AdversarialTask(gan, config, batch=BATCH, seed=0, device=NOWHERE, precision="fp32")
    assert updated(task, of(images)) >= 2 * UPDATES  # the order and the latents


@pytest.mark.parametrize("method", ["strong", "elastic", "mixup", "gan-consistency"])
def test_no_recognizer_waits(method: str) -> None:
    images = small_image_set(channels=3)
    lesson = Lesson.of(images.images, np.where(np.arange(len(images)) % 2, images.require_labels(), -1))
    if not method.startswith("gan"):
        lesson = replace(lesson, unlabeled=None)
    settings = {"batch": BATCH} | ({"semi.labeled": 4} if method.startswith("gan") else {})
    recognizer = Recognizer(method=method, updates=2, base=4, dimension=4, settings=settings, device="meta")
    fitting = Fitting(recognizer, lesson)
    assert updated(fitting.task, fitting.data) >= UPDATES


@pytest.mark.parametrize("corruption", sorted(set(KINDS) - {"poisson"}))  # drawn of the images, on the CPU
def test_no_damage_waits(corruption: str) -> None:
    kind, images = KINDS[corruption], torch.zeros(BATCH, 3, 12, 12, device=NOWHERE)
    with Copies():
        damage_of(f"{corruption}:{kind.usual:g}")(images, torch.Generator())


def test_no_restorer_waits() -> None:
    images = small_image_set(channels=3)
    choices = RestorerChoices(widths=(4, 8), bottom=1, noise=4, discriminator_base=8, batch=BATCH, every=1)
    task = RestorerTask(choices, damage_of("block:3"), shape=(8, 8, 3), seed=0, device=NOWHERE, precision="fp32")
    assert updated(task, of(images)) >= 4 * UPDATES


def test_no_translator_waits() -> None:
    choices = TranslatorChoices(
        method="contrastive", widths=(4, 8), bottom=1, discriminator_base=8, batch=BATCH, styled=True
    )
    a, b = small_image_set(channels=3), small_image_set(channels=3, seed=1)
    task = TranslatorTask(choices, channels=3, seed=0, device=NOWHERE, precision="fp32")
    data = DomainData(a, b, paired=False, seed=0, device=NOWHERE)
    assert updated(task, data) >= 3 * UPDATES


def test_what_is_read_and_what_is_copied_on_the_way_is_seen() -> None:
    with Copies(), pytest.raises(AssertionError, match="waits for a copy"):
        torch.zeros(3, device=NOWHERE)[torch.tensor([1])]
    with Copies(), pytest.raises(AssertionError, match="waits for a copy"):
        torch.zeros(3).to(NOWHERE)
    with pytest.raises(RuntimeError, match="meta"):
        float(torch.zeros((), device=NOWHERE))
