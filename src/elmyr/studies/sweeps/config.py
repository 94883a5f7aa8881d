"""What a sweep is going to do, checked before anything is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from elmyr.core.amounts import Amount, image_count
from elmyr.core.errors import InputError
from elmyr.core.thread_counts import AUTO, Threads
from elmyr.engine.config import DataConfig, Settings
from elmyr.engine.rules import default_budget
from elmyr.engine.saving.migration import FORMAT
from elmyr.engine.saving.places import SWEEP_KIND
from elmyr.engine.spec import Asked
from elmyr.evaluation import FEWEST_FOR_FIGURES, common_count
from elmyr.evaluation.extractors import AUTO as USUAL
from elmyr.evaluation.extractors import WIDTH, asked_for, refuse_unlabeled
from elmyr.images import AS_IT_IS, Data, Shaping
from elmyr.studies.plan import shared_out
from elmyr.studies.sweeps.values import combinations, named, swept
from elmyr.tasks.gan.config import choices_of
from elmyr.tasks.gan.plan import GANAsk, GANPlan, new_task, parts_of, plan_of

MOST_TRAININGS = 1000
AGAINST: Literal["validation"] = "validation"  # a choice is made there; the test part stays unseen


class SweepConfig(BaseModel):
    """All choices of a sweep; `config.json`. What goes on from it later does so by these."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = Field(FORMAT, description="of the file, by which a later elmyr reads it")
    kind: Literal["sweep"] = SWEEP_KIND
    data: DataConfig = Field(description="the images, split by the first seed")
    preset: str
    fixed: dict[str, Any] = Field(description="the settings that all trainings have")
    several: dict[str, list[Any]] = Field(description="the values of the settings that they differ in")
    seeds: tuple[int, ...] = Field(min_length=1)
    images: int = Field(ge=1, description="seen in each training")
    extractor: str = Field(description="whose features the figures are taken of")
    device: str
    precision: Literal["bf16", "fp32"]
    processes: int = Field(1, ge=1, description="how many pieces of work are done at once")
    threads: int = Field(ge=1, description="of each process: sums depend on it in their last bits")

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The settings that each variant has of its own, in the order of their numbers."""
        return combinations(self.several)

    def name(self, variant: int) -> str:
        """What a variant is called."""
        return named(self.variants[variant])

    def ask(self, variant: int, seed: int, threads: int) -> GANAsk:
        """What is asked of the training of a variant with a seed."""
        asked = Asked(
            images=self.images,
            seed=seed,
            settings=self.fixed | self.variants[variant],
            device=self.device,
            precision=self.precision,
            data_root=self.data.root,
            shaping=self.data.shaping,
            threads=threads,
        )
        return GANAsk(self.data.source, preset=self.preset, asked=asked)


@dataclass(frozen=True)
class SweepAsk:
    """What may be asked of a sweep; see `sweep`, which has the same by name."""

    data: Data
    labels: Any = None
    settings: Settings = ()
    seeds: int = 1
    seed: int = 0
    images: Amount | None = None
    preset: str = "residual"
    extractor: str = USUAL
    device: str = "auto"
    precision: str = "auto"
    data_root: str | os.PathLike[str] | None = None
    shaping: Shaping = AS_IT_IS
    processes: int = 1
    threads: Threads = AUTO

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise InputError(f"--seeds is {self.seeds}: at least 1")
        if self.processes < 0:
            raise InputError(f"--processes is {self.processes}: at least 1, or 0 for as many as there are cores")


def make_sweep_plan(ask: SweepAsk, say: Callable[[str], None] = lambda line: None) -> SweepConfig:
    """The config of a sweep; InputError for whatever cannot be done. Writes nothing."""
    fixed, several = swept(ask.settings)
    count = prod(map(len, several.values())) * ask.seeds
    if count > MOST_TRAININGS:
        raise InputError(f"that is {count:,} trainings: at most {MOST_TRAININGS:,}, give fewer values or seeds")
    asked_for(None, ask.extractor, 0, WIDTH, None, ask.device, ask.precision)
    images, variants = image_count(ask.images), combinations(several)
    asked = Asked(images, None, ask.seed, fixed | variants[0], ask.device, ask.precision, ask.data_root, ask.shaping)
    plan = plan_of(GANAsk(ask.data, ask.labels, preset=ask.preset, asked=asked))
    refuse_unlabeled(plan.splits.train, ask.extractor)
    images = images or default_budget(plan.splits.train)
    for variant in variants:
        _refuse_untrainable(plan, ask.preset, fixed | variant, images)
    if (left := common_count(plan.splits, AGAINST)) < FEWEST_FOR_FIGURES:
        raise InputError(
            f"'{plan.splits.train.name}' has {left} images to judge by, at least {FEWEST_FOR_FIGURES} are needed: add "
            "more"
        )
    config = plan.config
    processes, threads = shared_out(ask.processes, config.device, count, ask.threads)
    if ask.seeds == 1:
        say("one seed: what another would give is not known, --seeds 3 tells")
    return SweepConfig(
        data=config.data,
        preset=ask.preset,
        fixed=fixed,
        several=several,
        seeds=tuple(range(ask.seed, ask.seed + ask.seeds)),
        images=images,
        extractor=ask.extractor,
        device=config.device,
        precision=config.precision,
        processes=processes,
        threads=threads,
    )


def _refuse_untrainable(plan: GANPlan, preset: str, settings: dict[str, Any], images: int) -> None:
    """InputError for a variant that is no training."""
    parts, _ = parts_of(choices_of(preset, settings), plan.splits.train, images)
    new_task(plan.config.model_copy(update=parts))
