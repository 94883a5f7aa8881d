"""A run that is taken up on another device: where that is, and what is told of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import torch
from pydantic import BaseModel

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.core.files import read_json, write_json
from elmyr.engine.guards import write_config
from elmyr.engine.saving.run_directory import RunDirectory

M = TypeVar("M", bound=BaseModel)


def device_to_resume(path: str | os.PathLike[str], begun: str, asked: str | int | torch.device | None) -> str:
    """The device that work in `path` goes on on: the one that is asked for, else the one that it was on.

    Of several processes each has a GPU of its own, where it was on one. InputError where it is not there.
    """
    if asked is not None:
        machine.refuse_shared_gpu(asked)
        return str(machine.choose_device(asked))
    on_own = machine.local_place()[1] > 1 and begun.startswith("cuda")
    try:
        return str(machine.choose_device("cuda" if on_own else begun))
    except InputError as error:
        raise InputError(f"{error}; '{path}' was on it: elmyr resume {path} --device auto") from None


def placed_anew(run: RunDirectory, config: M, begun: str, asked: str | int | torch.device | None) -> M:
    """The config of what is made of several runs on the device that it goes on on, if not `begun`; written down."""
    device = device_to_resume(run.path, begun, asked)
    if device == begun:
        return config
    moved = config.model_copy(update={"device": device})
    with run.locked():
        write_config(run, moved)
    return moved


def are_alike(one: str, other: str) -> bool:
    """Whether two names are those of one device: a CPU has many."""
    first, second = torch.device(one), torch.device(other)
    return first.type == second.type and (first.type == "cpu" or first.index == second.index)


def note_change(run: RunDirectory, position: int, before: str, now: str, say: Callable[[str], None]) -> None:
    """Says that a run goes on on another device, and adds that to its surroundings."""
    run.noting(say)(
        f"from {position:,} images on {now}, before on {before}: the last bits may be others than those of one device"
    )
    surroundings = read_json(run.environment) if run.environment.is_file() else {}
    if isinstance(surroundings, dict):
        known = str(surroundings.get("device", before))
        if known.split(", ")[-1] != now:  # else noted by one that was killed before it wrote its config
            write_json(run.environment, surroundings | {"device": f"{known}, {now}"})
