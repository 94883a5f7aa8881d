"""What takes the chunks of an image set, in order, and cuts them into the blocks that the writers write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.storage.atomic import unwritable

BLOCK = 1_000


@dataclass(frozen=True)
class WritePlan:
    """What is to be written: `count` images in files of at most `shard`, where a kind has shards.

    places: which of them come, where others write the rest; a file of several parts has those of one.
    """

    path: Path
    count: int
    classes: tuple[str, ...]
    labeled: bool
    shard: int
    places: range

    def __post_init__(self) -> None:
        if not self.places:
            raise InputError(f"there are no images to write to '{self.path}': ask for at least 1")
        if self.shard < 1:
            raise InputError(f"a shard of {self.shard} images holds nothing: ask for at least 1")

    def block_length(self, start: int) -> int:
        """How many images belong into the block that begins at `start`: none lies in two shards."""
        left_in_shard = self.shard - start % self.shard
        return min(BLOCK, left_in_shard, self.places.stop - start)


@dataclass(frozen=True, eq=False)
class Block:
    """Images uint8 (n, H, W, C) and labels int64 (n,), or None; `start` is the number of the first.

    A block is the writer's own: nobody changes it any more.
    """

    start: int
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None


Write = Callable[[Block], None]
Writer = Callable[[WritePlan], AbstractContextManager[Write]]


class Sink:
    """Takes the images of a plan, chunk by chunk. One block is held in memory, however the chunks are cut."""

    def __init__(self, plan: WritePlan, write: Write) -> None:
        self._plan = plan
        self._write = write
        self._block: Block | None = None
        self._shape: tuple[int, ...] | None = None
        self._taken = 0
        self._written = 0

    def add(self, chunk: ImageSet) -> None:
        """The next images; ValueError where they are not what was announced, InputError where a disk is full."""
        self._check(chunk)
        with telling(self._plan.path):
            position = 0
            while position < len(chunk):
                position += self._fill(chunk, position)

    def check_complete(self) -> None:
        """ValueError where images are missing, also those whose failed write the caller passed over."""
        count = len(self._plan.places)
        if self._written < count:
            raise ValueError(f"{count} images were announced, {self._taken} came and {self._written} were written")

    def _fill(self, chunk: ImageSet, position: int) -> int:
        block = self._block or self._new_block()
        self._block = block
        filled = self._plan.places.start + self._taken - block.start
        length = min(len(block.images) - filled, len(chunk) - position)
        here, there = slice(filled, filled + length), slice(position, position + length)
        block.images[here] = chunk.images[there]
        if block.labels is not None and chunk.labels is not None:
            block.labels[here] = chunk.labels[there]
        self._taken += length
        if filled + length == len(block.images):
            self._block = None
            self._write(block)
            self._written += len(block.images)
        return length

    def _new_block(self) -> Block:
        assert self._shape is not None
        start = self._plan.places.start + self._taken
        length = self._plan.block_length(start)
        labels = np.empty(length, np.int64) if self._plan.labeled else None
        return Block(start, np.empty((length, *self._shape), np.uint8), labels)

    def _check(self, chunk: ImageSet) -> None:
        shape = chunk.images.shape[1:]
        self._shape = self._shape or shape
        if shape != self._shape:
            raise ValueError(f"a chunk holds images of {shape} among images of {self._shape}")
        if (chunk.labels is not None) != self._plan.labeled:
            raise ValueError(f"images {'with' if self._plan.labeled else 'without'} labels were announced")
        if chunk.classes != self._plan.classes:
            raise ValueError("a chunk has other classes than those announced")
        if self._taken + len(chunk) > len(self._plan.places):
            raise ValueError(f"{len(self._plan.places)} images were announced, but {self._taken + len(chunk)} came")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Makes of a file that cannot be written an InputError in one line."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from None
