"""What a run is going to do: every choice made and checked, and the images opened, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from elmyr import machine
from elmyr.amounts import Amount, image_count, minutes_of
from elmyr.errors import InputError
from elmyr.images import AS_IT_IS, Data, ImageSet, Shaping, Splits, open_source, source_of, split_source
from elmyr.runs import GAN_KIND, Run
from elmyr.training.adversarial import AdversarialTask
from elmyr.training.checkpoint import latest_checkpoint, load_modules
from elmyr.training.config import (
    SECTIONS,
    DataConfig,
    RunConfig,
    Settings,
    adversarial_config,
    choices_of,
    gan_config,
    loop_config,
    parse_settings,
)
from elmyr.training.processes import ALONE, Processes
from elmyr.training.rules import Facts, Resolved, default_budget, resolve
from elmyr.training.rundir import RunDirectory, config_as, open_run

MOST_IMAGES = 10**12  # more than anyone waits for


@dataclass(frozen=True)
class Plan:
    """The config of a run and the images of its split; `choices` is what it was made of, `resolved` what was "auto"."""

    config: RunConfig
    splits: Splits
    choices: Mapping[str, Any]
    resolved: Sequence[Resolved]

    def with_budget(self, images: int) -> Plan:
        """The same run with another budget, and what follows from it."""
        parts, resolved = parts_of(self.choices, self.splits.train, images)
        return replace(self, config=self.config.model_copy(update=parts), resolved=resolved)


def make_plan(
    data: Data,
    labels: Any = None,
    *,
    preset: str,
    images: Amount | None = None,
    minutes: Amount | None = None,
    seed: int = 0,
    settings: Settings = (),
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    rescue: bool = False,
    deterministic: bool = False,
    start_from: Run | None = None,
) -> Plan:
    """The plan of a run, parameters as `train`; InputError for whatever cannot be trained. Writes nothing."""
    data = source_of(data, labels, shaping)
    images, minutes = image_count(images), minutes_of(minutes)
    _check_budget(images, minutes)
    parsed = parse_settings(settings)
    choices = choices_of(preset, parsed)
    chosen_device = machine.choose_device(device)
    chosen_precision = machine.choose_precision(precision, chosen_device)
    source = open_source(data, data_root, shaping, choose_size=True)
    splits = split_source(source, seed, source.shaping)
    training = splits.train
    parts, resolved = parts_of(choices, training, images or default_budget(training))
    config = RunConfig(
        preset=preset,
        seed=seed,
        minutes=minutes,
        device=str(chosen_device),
        precision=chosen_precision,
        data=DataConfig.of(data, training, data_root=data_root, shaping=source.shaping, seed=seed),
        **parts,
        rescue=rescue,
        deterministic=deterministic,
        start_from=os.path.abspath(open_run(start_from, GAN_KIND).path) if start_from is not None else None,
    )
    task = new_task(config)  # refuses what it cannot train
    if config.start_from is not None:
        take_weights(task, config.start_from)
    return Plan(config, splits, choices, resolved)


def parts_of(choices: Mapping[str, Any], training: ImageSet, budget: int) -> tuple[dict[str, Any], Sequence[Resolved]]:
    """The networks, the game and the course of a run, and which choices were automatic."""
    settled, resolved = resolve(choices, Facts.of(training, budget))
    parts = {
        "gan": gan_config(settled, training),
        "adversarial": adversarial_config(settled),
        "loop": loop_config(settled, budget),
    }
    return parts, resolved


def new_task(config: RunConfig, processes: Processes = ALONE) -> AdversarialTask:
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


def take_weights(task: AdversarialTask, start_from: str) -> None:
    """Puts the weights of a run's latest checkpoint into a task; InputError where its networks are others."""
    run = open_run(start_from, GAN_KIND)
    theirs, ours = (each.model_dump(exclude={"class_counts"}) for each in (config_of(run).gan, task.gan))
    differing = _differences(theirs, ours)
    if differing:
        raise InputError(
            f"'{run.path}' has other networks ({'; '.join(differing)}): make these the same to start from it"
        )
    path = latest_checkpoint(run.checkpoints)
    if path is None:
        raise InputError(f"'{run.path}' has no checkpoint to start from: train it first")
    load_modules(path, {name: task.modules[name] for name in ("generator", "discriminator", "average")})


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What differs between two configs, a line each."""
    lines = []
    for key in theirs.keys() | ours.keys():
        one, other = theirs.get(key), ours.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            lines += _differences(one, other, f"{prefix}{key}.")
        elif one != other:
            lines.append(f"{prefix}{key} is {one}, not {other}")
    return sorted(lines)


def refuse_other_settings(config: RunConfig, settings: Settings, path: str | os.PathLike[str]) -> None:
    """InputError, with the list of them, for settings other than those that the run in `path` has."""
    parsed = parse_settings(settings)
    choices_of(config.preset, parsed)  # refuses unknown names
    game = config.adversarial.model_dump()
    has = {
        "batch": config.loop.batch,
        "conditional": bool(config.gan.classes),
        "projection": config.gan.projection,
        **{f"{part}.{key}": value for part in ("network", "code") for key, value in getattr(config.gan, part)},
        **{f"adversarial.{key}": value for key, value in game.items()},
        **{f"{part}.{key}": value for part in SECTIONS for key, value in game[part].items()},
        **{f"loop.{key}": value for key, value in config.loop},
    }
    asked = {name: value for name, value in parsed.items() if value != "auto"}
    differing = [f"{name} is {has.get(name)}, not {value}" for name, value in asked.items() if has.get(name) != value]
    if differing:
        raise InputError(
            f"'{path}' resumes with its own settings ({'; '.join(differing)}): leave --set out, or start a new "
            f"run with its weights: elmyr train {config.data.source} --from {path} --set …"
        )


def config_of(run: RunDirectory) -> RunConfig:
    """The config that a GAN's run directory holds; InputError if it is not whole."""
    return config_as(run, RunConfig)


def splits_of(config: RunConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split that a run was trained on, opened again; InputError where the images are not the same any more."""
    return opened_again(config.data, data_root)


def opened_again(data: DataConfig, data_root: str | os.PathLike[str] | None = None) -> Splits:
    """The split that a config tells of; InputError where its training images are not the same any more."""
    splits = data.opened(data_root)
    data.require_same(splits.train)
    return splits


def _check_budget(images: int | None, minutes: float | None) -> None:
    if images is not None and minutes is not None:
        raise InputError("both --images and --minutes are given: choose one")
    if images is not None and images > MOST_IMAGES:
        raise InputError(f"--images is {images:.3g}: it is from 1 to {MOST_IMAGES:,}")
