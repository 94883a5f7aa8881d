"""What several processes tell each other, by as many as `torchrun` started.

`torchrun --nproc-per-node 2 -m tests.engine.group_of_devices FOLDER`. Each writes what it was told, and whether an
update by one group of gloo is that in which tensors go by a second one.
"""

import os
import sys
from pathlib import Path

import torch
from torch import distributed

from elmyr.core.errors import InputError
from elmyr.engine import processes as module
from elmyr.engine.processes import Processes, joined
from tests.engine.group import updates

SENT = (b"", b"few", bytes(range(256)) * 999)


def refuse() -> bytes:
    raise InputError("so it is")


def told(processes: Processes) -> str:
    module.AT_ONCE = 1_000  # so that the last one takes many messages
    lines = []
    for content in SENT:
        found = processes.told_by_first(lambda content=content: content)  # type: ignore[misc]  # bound at once
        lines.append(str(found == content))
    assert lines == ["True"] * len(SENT)
    try:
        processes.told_by_first(refuse)
    except InputError as error:
        lines.append(f"refused: {error}")
    return "\n".join(lines)


def both_ways(processes: Processes) -> str:
    one = updates(processes, torch.float32, count=1)
    processes.reach("cpu:1", {"cpu": "gloo"})
    groups = len({id(each) for each in (distributed.group.WORLD, *processes._groups.values())})
    other = updates(processes, torch.float32, count=1)
    same = all(torch.equal(one[key], other[key]) for key in one)
    return f"{'same' if same else 'not the same'}, {groups} groups"


def main() -> None:
    folder = Path(sys.argv[1])
    with joined() as processes:
        (folder / f"said-{processes.rank}.txt").write_text(told(processes))
        (folder / f"same-{processes.rank}.txt").write_text(both_ways(processes))


if __name__ == "__main__":
    main()
    os._exit(0)  # as elmyr's own program ends: see cli/app.py
