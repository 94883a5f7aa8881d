"""Whether all processes train the same run: on whatever device each of them is, and wherever its images lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from elmyr.core.errors import InputError
from elmyr.engine.config import RunConfig
from elmyr.engine.processes import Processes
from elmyr.engine.starting import differences

C = TypeVar("C", bound=RunConfig)


def refuse_another_run(own: C, first: Callable[[], C], processes: Processes, otherwise: str) -> None:
    """InputError in all processes where one of them would not train by the config of the first one.

    otherwise: what is to be done then, for the process whose config is another.
    """
    content = processes.told_by_first(lambda: first().model_dump_json().encode())
    told = type(own).model_validate(json.loads(content))
    differing = differences(told.model_dump(mode="json"), _placed_as(told, own).model_dump(mode="json"))
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
