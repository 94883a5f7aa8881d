"""Checkpoints written beside the training: the loop hands over a copy and goes on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from elmyr.engine.saving.checkpoint import Snapshot, prune_checkpoints, save_checkpoint


class CheckpointWriter:
    """Writes one snapshot at a time in a thread, and then removes what is older than the `keep` newest and the best."""

    def __init__(self, folder: Path, *, keep: int) -> None:
        self.folder, self.keep = folder, keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None
        self.written = -1  # the position of the last checkpoint that is whole

    def save(self, snapshot: Snapshot) -> None:
        """Begins to write, once the one before is whole. Raises SaveError where that one failed."""
        try:
            self.wait()
        finally:
            self._writing = self._thread.submit(self._write, snapshot)

    def wait(self) -> None:
        """Returns when nothing is being written. Raises SaveError where the last one failed, once."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def look(self) -> None:
        """Raises SaveError where the last one has failed already; does not wait."""
        if self._writing is not None and self._writing.done():
            self.wait()

    def _write(self, snapshot: Snapshot) -> None:
        save_checkpoint(self.folder, snapshot)
        self.written = snapshot.position
        prune_checkpoints(self.folder, snapshot.position, self.keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if kind is None:
            self.wait()
