"""The state that all processes begin with, or go back to: the first one's, which alone needs the run directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from elmyr.engine.processes import Processes
from elmyr.engine.saving.checkpoint import load_checkpoint, put_part, state_of
from elmyr.engine.task import Task


def taken_up(task: Task, find: Callable[[], Path | None], processes: Processes) -> tuple[int, dict[str, Any]] | None:
    """Puts the first process's checkpoint into every process's task; its position, and the loop's progress.

    find: the checkpoint, asked for in the first process alone. Where it finds none, all take over the first one's
    beginning, and None is returned. InputError in all where the checkpoint is damaged or does not fit.
    """

    def first() -> bytes:
        path = find()
        return json.dumps(None if path is None else load_checkpoint(path, task)).encode()

    found = json.loads(processes.told_by_first(first))
    if processes.count > 1:
        for name in state_of(task):
            content = processes.told_by_first(lambda: save(_on_cpu(task, name)))  # noqa: B023  # called at once
            if not processes.writes:
                put_part(task, name, load(content))
    return None if found is None else (int(found[0]), dict(found[1]))


def _on_cpu(task: Task, name: str) -> dict[str, Any]:
    return {key: tensor.detach().cpu().contiguous() for key, tensor in state_of(task)[name].items()}
