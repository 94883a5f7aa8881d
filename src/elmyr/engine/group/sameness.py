"""Whether all processes train the same run: on whatever device each of them is, and wherever its images lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TypeVar

import torch

from elmyr.core.errors import InputError
from elmyr.engine.config import RunConfig
from elmyr.engine.processes import Processes
from elmyr.engine.starting import differences

C = TypeVar("C", bound=RunConfig)


def refuse_another_run(own: C, first: Callable[[], C], processes: Processes, otherwise: str) -> None:
    """InputError in all processes where one of them would not train by the config of the first one.

    otherwise: what is to be done then, for the process whose config is another. Other versions of elmyr or torch are
    told before the config, which may then have no meaning here.
    """
    content = processes.told_by_first(
        lambda: json.dumps({"versions": _versions(), "config": first().model_dump(mode="json")}).encode()
    )
    of_first = json.loads(content)
    versions = differences(of_first["versions"], _versions())
    _refuse_in_all(
        versions, processes, "all processes take the same versions of elmyr and torch: install those of the first"
    )
    told = type(own).model_validate(of_first["config"])
    differing = differences(told.model_dump(mode="json"), _placed_as(told, own).model_dump(mode="json"))
    _refuse_in_all(differing, processes, otherwise)


def _versions() -> dict[str, str]:
    """Of what computes here; one release of torch for other devices is the same."""
    return {"elmyr": version("elmyr"), "torch": torch.__version__.partition("+")[0]}


def _refuse_in_all(differing: Sequence[str], processes: Processes, otherwise: str) -> None:
    (anywhere,) = processes.most(bool(differing))
    if differing:
        raise InputError(f"{otherwise} ({'; '.join(differing)})")
    if anywhere:
        raise InputError("another process of the group would train another run: see what it said")


def _placed_as(told: C, own: C) -> C:
    """One's own config where the other's computes, with the other's places of images: their digests tell them.

    And with its history: a copy of `config.json` may be older than a budget that the first one has written since.
    """
    there = {
        name: source.model_copy(update={"source": told.sources[name].source, "root": told.sources[name].root})
        for name, source in own.sources.items()
        if name in told.sources
    }
    history = {"minutes": told.minutes, "extended_from": told.extended_from}
    return own.on(told.device).model_copy(update=there | history)
