"""One set in several files, which get their names together when all of them are whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.files import flush, replacing
from elmyr.images.writers.places import check_file
from elmyr.images.writers.sink import Block, Write, WritePlan, telling

OpenShard = Callable[[Path, WritePlan], AbstractContextManager[Write]]
Naming = Callable[[int, int], str]  # what stands between stem and suffix of the shard `index` of `count`


@contextmanager
def write_shards(plan: WritePlan, open_shard: OpenShard, naming: Naming) -> Iterator[Write]:
    """Writes block after block into files of `plan.shard` images; all in `plan.path` where they fit into one.

    InputError where an older file of the whole set would stand beside its shards.
    """
    paths = _paths(plan, naming)
    if len(paths) > 1 and plan.path.exists():
        raise InputError(f"'{plan.path}' would stand beside the shards of a new set: remove it, or choose another name")
    write_to: Write

    # Left from the inside out: the last file is closed, then all are renamed, the first of them last.
    with ExitStack() as unnamed, ExitStack() as current:

        def write(block: Block) -> None:
            nonlocal write_to
            if block.start % plan.shard == 0:
                current.close()
                beside = unnamed.enter_context(replacing(paths[block.start // plan.shard]))
                current.callback(flush, beside)  # now, so that nothing is left to do between the renames
                write_to = current.enter_context(open_shard(beside, plan))
            write_to(block)

        yield write


def check_shards(path: Path, pattern: str) -> None:
    """InputError where `path` could not be written, or where shards of its name are already.

    pattern: a regular expression of what stands between stem and suffix.
    """
    check_file(path)
    shard = re.compile(re.escape(path.stem) + pattern + re.escape(path.suffix))
    with telling(path):
        older = sorted(entry.name for entry in path.parent.iterdir() if shard.fullmatch(entry.name))
    if older:
        raise InputError(
            f"'{path.parent / older[0]}' is a shard of an older set that would mix with the new one: "
            "remove the old shards, or choose another name"
        )


def _paths(plan: WritePlan, naming: Naming) -> list[Path]:
    count = -(-plan.count // plan.shard)
    if count == 1:
        return [plan.path]
    path = plan.path
    return [path.with_name(f"{path.stem}{naming(index, count)}{path.suffix}") for index in range(count)]
