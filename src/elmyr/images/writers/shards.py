"""One set in several files, which get their names together when all of them are whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.files import flush, replacing
from elmyr.images.writers.places import check_file
from elmyr.images.writers.sink import Block, Write, WritePlan, telling

OpenShard = Callable[[Path, WritePlan], AbstractContextManager[Write]]


@dataclass(frozen=True)
class Shards:
    """How the files of one set are named, and what a kind of them needs.

    naming: what stands between stem and suffix of the shard `index` of `count`; pattern: a regular expression of that;
    require: raises InputError where what is needed is not installed.
    """

    naming: Callable[[int, int], str]
    pattern: str
    require: Callable[[], None] = lambda: None

    def paths(self, plan: WritePlan) -> list[Path]:
        """The files of the whole set, also those that other processes write."""
        count = -(-plan.count // plan.shard)
        if count == 1:
            return [plan.path]
        path = plan.path
        return [path.with_name(f"{path.stem}{self.naming(index, count)}{path.suffix}") for index in range(count)]

    def check(self, path: Path, known: Collection[str] = ()) -> None:
        """InputError where `path` could not be written, or shards of its name are there, but for `known` ones."""
        self.require()
        check_file(path)
        shard = re.compile(re.escape(path.stem) + self.pattern + re.escape(path.suffix))
        with telling(path):
            there = (entry.name for entry in path.parent.iterdir() if shard.fullmatch(entry.name))
            older = sorted(name for name in there if name not in known)
        if older:
            raise InputError(
                f"'{path.parent / older[0]}' is a shard of an older set that would mix with the new one: "
                "remove the old shards, or choose another name"
            )

    def check_part(self, plan: WritePlan) -> None:
        """The same for a part of a set, beside which other parts may be: InputError where its own shards are, too.

        ValueError for a part that does not begin and end where shards do.
        """
        if plan.places.start % plan.shard or (plan.places.stop % plan.shard and plan.places.stop < plan.count):
            raise ValueError(f"the images {plan.places} are no whole shards of {plan.shard}")
        paths = self.paths(plan)
        own = {path.name for path in paths[plan.places.start // plan.shard : -(-plan.places.stop // plan.shard)]}
        self.check(plan.path, {path.name for path in paths} - own)


@contextmanager
def write_shards(plan: WritePlan, open_shard: OpenShard, shards: Shards) -> Iterator[Write]:
    """Writes block after block into files of `plan.shard` images; all in `plan.path` where they fit into one.

    InputError where an older file of the whole set would stand beside its shards.
    """
    paths = shards.paths(plan)
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
