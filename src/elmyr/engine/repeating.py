"""A run made again from what it wrote down, and compared with it to the bit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, read_lines, sha256_of
from elmyr.engine.guards import refuse_groups
from elmyr.engine.run import Places, moved, train_by
from elmyr.engine.saving.places import Run
from elmyr.engine.saving.run_directory import RunDirectory, config_as, open_run
from elmyr.engine.spec import Plan, RunOptions
from elmyr.engine.tasks import spec_of
from elmyr.engine.threads import stretches_of

TIMES = {"seconds", "images_per_second"}
# What other bits may come of:
SURROUNDINGS = ("elmyr", "torch", "numpy", "python", "cpu", "git_commit", "processes", "device")


@dataclass(frozen=True)
class Repetition:
    """A run made again: what in it is not the same, and what around it was not the same."""

    run: RunDirectory
    differences: tuple[str, ...]
    surroundings: tuple[str, ...]


def repeat(
    name: Run,
    *,
    out: str | os.PathLike[str] | None = None,
    data: Places | None = None,
    data_root: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Repetition:
    """Trains again what a finished run trained, on the threads of each of its stretches, and compares.

    `data`: where its images lie by now. Raises InputError for a run that is not finished, or that was given another
    budget on the way.
    """
    refuse_groups("a run that repeats another")
    run = open_run(name)
    spec = spec_of(run)
    if not run.finished:
        raise InputError(f"'{run.path}' is not finished: elmyr resume {run.path}")
    config, before = config_as(run, spec.config), _surroundings(run)
    if config.extended_from is not None:
        raise InputError(
            f"'{run.path}' was extended from {config.extended_from:,} images: what can be repeated is a run with one "
            "budget from its beginning to its end"
        )
    if data is not None:
        config = moved(config, data, data_root)
    stretches, options = [] if config.deterministic else stretches_of(run), RunOptions(out=out, quiet=quiet, say=say)
    with machine.threads(stretches[0].threads if stretches else torch.get_num_threads()):
        again = train_by(spec, Plan(config, spec.reopen(config, data_root)), options, follow=stretches)
    now = _surroundings(again)
    changed = [
        f"{key}: {before.get(key)}, now {now.get(key)}" for key in SURROUNDINGS if before.get(key) != now.get(key)
    ]
    return Repetition(again, tuple(_differences(run, again)), tuple(changed))


def _differences(one: RunDirectory, other: RunDirectory) -> list[str]:
    files = sorted(path.name for path in one.model.glob("*.safetensors"))
    differing = [f"model/{name}" for name in files if not _same_bytes(one, other, name)]
    if _lines(one) != _lines(other):
        differing.append("metrics.jsonl")
    return differing


def _same_bytes(one: RunDirectory, other: RunDirectory, name: str) -> bool:
    return (other.model / name).is_file() and sha256_of(one.model / name) == sha256_of(other.model / name)


def _lines(run: RunDirectory) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key not in TIMES} for line in read_lines(run.metrics)]


def _surroundings(run: RunDirectory) -> dict[str, Any]:
    content = read_json(run.environment) if run.environment.is_file() else machine.environment()
    return content if isinstance(content, dict) else {}
