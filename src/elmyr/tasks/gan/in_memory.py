"""A GAN trained on images that are there already, as part of something larger: no run directory, nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elmyr.core import machine
from elmyr.core.amounts import Amount, image_count
from elmyr.engine.loop import run_loop
from elmyr.engine.progress import Listener
from elmyr.engine.rules import default_budget
from elmyr.images import ImageSet
from elmyr.tasks.gan.config import choices_of
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.plan import batches_of, parts_of
from elmyr.tasks.gan.task import AdversarialTask


def train_on(
    images: ImageSet,
    *,
    preset: str = "residual",
    budget: Amount | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    precision: str = "auto",
    listener: Listener | None = None,
) -> GAN:
    """Trains a GAN on all of an image set and returns it; parameters as `train`, the budget in images seen.

    Nothing is kept of an interrupted or diverged training. Raises InputError before anything is trained.
    """
    parts, _ = parts_of(choices_of(preset, settings or {}), images, image_count(budget) or default_budget(images))
    chosen = machine.choose_device(device)
    task = AdversarialTask(
        parts["gan"],
        parts["adversarial"],
        batch=parts["loop"].batch,
        seed=seed,
        device=chosen,
        precision=machine.choose_precision(precision, chosen),
        trained={"preset": preset, "data": images.name, "seed": seed},
    )
    data = batches_of(images, balance=parts["class_balance"], seed=seed, device=chosen)
    outcome = run_loop(task, data, parts["loop"], listener=listener)
    return task.result(outcome.images)
