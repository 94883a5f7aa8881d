"""GANs, for the life of a run: planned, begun, watched, finished."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elmyr.core.errors import InputError
from elmyr.core.files import write_text
from elmyr.engine.loop import Outcome
from elmyr.engine.processes import Processes
from elmyr.engine.saving.places import GAN_KIND, Run
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.spec import Finished, Say, TaskSpec
from elmyr.images import ImageSet, Splits, class_rows, image_grid, save_npz, save_png
from elmyr.nets import Cost
from elmyr.tasks.gan.config import SECTIONS, GANRunConfig, meant
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.model_card import model_card
from elmyr.tasks.gan.monitor import Watch
from elmyr.tasks.gan.plan import GANAsk, GANPlan, batches_of, new_task, plan_of

SHOWN_PER_CLASS = 10


class GANTraining:
    """A GAN's training, and the model, samples and model card at its end."""

    def __init__(self, config: GANRunConfig, splits: Splits, processes: Processes, say: Say) -> None:
        self.config, self.task = config, new_task(config, processes)
        self.data = batches_of(splits.train, balance=config.class_balance, seed=config.seed, device=self.task.device)
        self.watcher = Watch(self.task, splits, say=say, rescue=config.rescue, budget=config.loop.images)

    def finish(self, run: RunDirectory, outcome: Outcome) -> Finished:
        """Writes the model, samples of it, and the model card."""
        self.task.export(run.model, outcome.images)
        gan = GAN.load(run.model, device=self.config.device, precision=self.config.precision)
        save_npz(gan.sample(SHOWN_PER_CLASS * max(len(gan.config.classes), 10), balanced=True), run.generated)
        collapse = self.watcher.collapse
        summary = {"troubles": self.watcher.troubles, "collapse": collapse.model_dump() if collapse else None}
        write_text(run.path / "README.md", model_card(self.config, outcome, collapse))
        return Finished(summary, [collapse.sentence] if collapse else [])


class GANSpec(TaskSpec[GANAsk, GANRunConfig, Splits]):
    """Trains a generator against a discriminator."""

    kind = GAN_KIND
    title = "GAN"
    config = GANRunConfig
    starts_with = ("generator", "discriminator", "average")
    adapts = ("classes", "height", "width", "channels")

    def plan(self, ask: GANAsk) -> GANPlan:
        """By a preset, the settings and the data."""
        return plan_of(ask)

    def reopen(self, config: GANRunConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
        """The split."""
        return config.data.reopened(data_root)

    def open(self, run: Run, *, device: str = "auto", precision: str = "auto") -> GAN:
        """The GAN."""
        return GAN.load(run, device=device, precision=precision)

    def begin(self, config: GANRunConfig, inputs: Splits, processes: Processes, say: Say) -> GANTraining:
        """With random weights."""
        return GANTraining(config, inputs, processes, say)

    def name(self, config: GANRunConfig) -> str:
        """The data's name and the preset's."""
        return f"{config.data.name}-{config.preset}"

    def introduce(self, run: RunDirectory, inputs: Splits) -> None:
        """Shows real images: the first ten of each class, one row per class; the first hundred without labels."""
        _show_reals(run, inputs.train)

    def following(self, run: RunDirectory) -> Sequence[str]:
        """Samples and figures."""
        return (f"elmyr sample {run.path} -n 1000 --out samples.npz", f"elmyr evaluate {run.path}")

    def networks(self, config: GANRunConfig) -> Mapping[str, Any]:
        """All of the GAN, but how many images each class has."""
        return config.gan.model_dump(exclude={"class_counts"})

    def costs(self, config: GANRunConfig) -> Mapping[str, Cost]:
        """Of the two networks."""
        return dict(zip(("generator", "discriminator"), config.gan.costs(), strict=True))

    def settings(self, config: GANRunConfig) -> Mapping[str, Any]:
        """Those of a preset, by their dotted names."""
        game = config.adversarial.model_dump()
        return {
            "batch": config.loop.batch,
            "conditional": bool(config.gan.classes),
            "class_balance": config.class_balance,
            "projection": config.gan.projection,
            **{f"{part}.{key}": value for part in ("network", "code") for key, value in getattr(config.gan, part)},
            **{f"adversarial.{key}": value for key, value in game.items() if key not in SECTIONS},
            **{f"{part}.{key}": value for part in SECTIONS for key, value in game[part].items()},
            **{f"loop.{key}": value for key, value in config.loop if key not in ("images", "batch")},
        }

    def require_settings(self, config: GANRunConfig, names: Sequence[str]) -> None:
        """InputError for one that there is not, with the one that is meant."""
        known = self.settings(config)
        if unknown := next((name for name in names if name not in known), None):
            raise InputError(f"no setting '{unknown}': {meant(unknown, known)}")


GAN_SPEC = GANSpec()


def _show_reals(run: RunDirectory, training: ImageSet) -> None:
    if training.labels is None:
        shown = training.take(np.arange(min(len(training), SHOWN_PER_CLASS**2)))
        picture = image_grid(shown.in_memory(), columns=SHOWN_PER_CLASS)
    else:
        numbers = range(len(training.classes))
        firsts = [np.flatnonzero(training.labels == label)[:SHOWN_PER_CLASS] for label in numbers]
        shown = training.take(np.concatenate(firsts))
        picture = class_rows(shown, SHOWN_PER_CLASS)
    save_png(picture, run.path / "reals.png")
    save_npz(shown, run.real)
