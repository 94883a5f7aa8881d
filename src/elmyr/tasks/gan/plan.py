"""What a GAN's run is going to do: every choice made and checked, and the images opened, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.engine.config import DataConfig
from elmyr.engine.data import BalancedData, ResidentData
from elmyr.engine.processes import ALONE, Processes
from elmyr.engine.rules import Facts, Resolved, default_budget, resolve
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.engine.spec import Asked, Plan
from elmyr.engine.task import BatchSource
from elmyr.images import Data, ImageSet, Splits, open_source, source_of, split_source
from elmyr.tasks.gan.config import (
    GANRunConfig,
    adversarial_config,
    choices_of,
    class_balance,
    gan_config,
    loop_config,
)
from elmyr.tasks.gan.task import AdversarialTask


@dataclass(frozen=True)
class GANAsk:
    """What may be asked of a GAN's training. preset: its name; rescue: whether the monitor mends what it finds."""

    data: Data
    labels: Any = None
    preset: str = "residual"
    rescue: bool = False
    asked: Asked = field(default_factory=Asked)


@dataclass(frozen=True)
class GANPlan(Plan[GANRunConfig, Splits]):
    """The plan of a GAN's run; `choices` is what its config was made of."""

    choices: Mapping[str, Any] = field(default_factory=dict)

    @property
    def splits(self) -> Splits:
        """The images of its split."""
        return self.inputs

    def with_budget(self, images: int) -> Self:
        """The same run with another budget, and what follows from it."""
        parts, resolved = parts_of(self.choices, self.inputs.train, images)
        return replace(self, config=self.config.model_copy(update=parts), resolved=resolved)


def plan_of(ask: GANAsk) -> GANPlan:
    """The plan of a run; InputError for whatever cannot be trained. Writes nothing."""
    asked = ask.asked
    source_name = source_of(ask.data, ask.labels, asked.shaping)
    budget, choices = asked.budget, choices_of(ask.preset, asked.parsed)
    common = asked.common(GANRunConfig.model_fields["kind"].default)
    source = open_source(source_name, asked.data_root, asked.shaping, choose_size=True)
    splits = split_source(source, asked.seed, source.shaping)
    training = splits.train
    known = asked.minutes is None  # else it is measured once all is planned
    parts, resolved = parts_of(choices, training, budget or default_budget(training), known=known)
    data = DataConfig.of(source_name, training, data_root=asked.data_root, shaping=source.shaping, seed=asked.seed)
    config = GANRunConfig(**common, preset=ask.preset, data=data, **parts, rescue=ask.rescue)
    new_task(config)  # refuses what it cannot train
    return GANPlan(config, splits, resolved=resolved, choices=choices)


def parts_of(
    choices: Mapping[str, Any], training: ImageSet, budget: int, *, known: bool = True
) -> tuple[dict[str, Any], Sequence[Resolved]]:
    """The networks, the game and the course of a run, and which choices were automatic.

    known: whether the budget is the run's, and not one that stands in until its minutes are measured. InputError for
    choices that this budget is too small for.
    """
    settled, resolved = resolve(choices, Facts.of(training, budget))
    if known:
        _require_turned(settled, budget)
    parts = {
        "gan": gan_config(settled, training),
        "adversarial": adversarial_config(settled),
        "class_balance": class_balance(settled, training),
        "loop": loop_config(settled, budget),
    }
    return parts, resolved


def _require_turned(choices: Mapping[str, Any], budget: int) -> None:
    """InputError for a training that would end before the class counts in full."""
    after = choices["adversarial"]["conditional_after"]
    if isinstance(after, int) and 2 * after > budget:
        raise InputError(
            f"adversarial.conditional_after is {after:,}, and the class counts in full after twice as many images: the "
            f"budget is {budget:,}, make it larger"
        )


def new_task(config: GANRunConfig, processes: Processes = ALONE) -> AdversarialTask:
    """The task of a run, at its beginning, with random weights."""
    trained = {"preset": config.preset, "data": config.data.name, "seed": config.seed}
    return AdversarialTask(
        config.gan,
        config.adversarial,
        batch=config.loop.batch,
        seed=config.seed,
        device=machine.choose_device(config.device),
        precision=config.precision,
        trained=trained,
        processes=processes,
    )


def batches_of(images: ImageSet, *, balance: float, seed: int, device: torch.device) -> BatchSource:
    """What a GAN learns from: the images as they are, or with their classes evened out."""
    data = ResidentData(images, seed=seed, device=device)
    return BalancedData(data, balance=balance) if balance else data


def config_of(run: RunDirectory) -> GANRunConfig:
    """The config that a GAN's run directory holds; InputError if it is not whole."""
    return config_as(run, GANRunConfig)


def splits_of(config: GANRunConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split that a run was trained on, opened again; InputError where the images are not the same any more."""
    return config.data.reopened(data_root)
