"""Several processes that do pieces of a study at once, and end with the one that began them, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from pathlib import Path

import torch

from elmyr.errors import ElmyrError
from elmyr.notes import DataWarning
from elmyr.studies.work import Done, Piece, Worker

_worker: Worker | None = None  # of this process, where it is one of the pool


def performed(
    study: Path, pieces: Sequence[Piece], done: set[Piece], *, processes: int, threads: int
) -> Iterator[tuple[Piece, Done]]:
    """Does the pieces that are not done, each after what it needs, and gives each as it ends."""
    waiting = [piece for piece in pieces if piece not in done]
    running: dict[Future[Done], Piece] = {}
    done = set(done)
    with _pool(study, processes, threads) as pool:
        while waiting or running:
            ready = [piece for piece in waiting if (needed := piece.needs()) is None or needed in done]
            for piece in ready[: processes - len(running)]:
                waiting.remove(piece)
                running[pool.submit(_perform, piece)] = piece
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in sorted(ended, key=lambda each: each.exception() is not None):  # what is done is not lost
                piece = running.pop(future)
                yield piece, _outcome(future)
                done.add(piece)


def _outcome(future: Future[Done]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool:
        raise ElmyrError(
            "a process of the study was killed (out of memory?): resume with fewer: elmyr resume STUDY --processes 1"
        ) from None


@contextmanager
def _pool(study: Path, processes: int, threads: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(study, threads))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()  # what it was at is begun again from its last checkpoint
        raise
    pool.shutdown()


def _begin(study: Path, threads: int) -> None:
    global _worker
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C reaches every process of a terminal's group: the first one decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore", DataWarning)  # told by the process that planned the study
    torch.set_num_threads(threads)
    _worker = Worker(study)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _perform(piece: Piece) -> Done:
    assert _worker is not None
    return _worker.perform(piece)
