"""Several processes that do pieces of a study at once, and end with the one that began them, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from elmyr.core.errors import ElmyrError, InputError
from elmyr.core.notes import DataWarning
from elmyr.core.plugins import load_all
from elmyr.engine.guards import RUN_AGAIN
from elmyr.engine.progress import shown
from elmyr.studies.pieces import Done, Piece, Worker

LOOK = 5.0  # seconds between two looks at how far it is

_worker: Worker | None = None  # of this process, where it is one of the pool


class NoMainGuard(InputError):
    """The script that began a study runs from its top again in each of its processes."""

    def __init__(self) -> None:
        script = getattr(sys.modules["__main__"], "__file__", None)
        super().__init__(
            f"'{os.path.basename(script or 'the script')}' is run again by each process of the study: put what it does "
            "under 'if __name__ == \"__main__\":', or study by one process with processes=1"
        )


def performed(
    study: Path, pieces: Sequence[Piece], done: set[Piece], *, processes: int, threads: int, quiet: bool = True
) -> Iterator[tuple[Piece, Done]]:
    """Does the pieces that are not done, each after what it needs, and gives each as it ends.

    Without `quiet` it shows how many are done. Raises NoMainGuard where the processes run the script that began them.
    """
    waiting = [piece for piece in pieces if piece not in done]
    running: dict[Future[Done], Piece] = {}
    done = set(done)
    progress = shown(study.name, total=len(pieces), unit="pieces of work", quiet=quiet)
    with _pool(study, processes, threads) as pool, progress as listener:
        while waiting or running:
            ready = [piece for piece in waiting if (needed := piece.needs()) is None or needed in done]
            for piece in ready[: processes - len(running)]:
                waiting.remove(piece)
                running[pool.submit(_perform, piece)] = piece
            children = multiprocessing.active_children()
            while not (ended := wait(running, timeout=LOOK, return_when=FIRST_COMPLETED).done):
                if listener is not None:
                    listener.advance(len(done))
            for future in sorted(ended, key=lambda each: each.exception() is not None):  # what is done is not lost
                piece = running.pop(future)
                yield piece, _outcome(future, children)
                done.add(piece)


def _outcome(future: Future[Done], children: Sequence[BaseProcess]) -> Done:
    try:
        return future.result()
    except BrokenProcessPool:
        for child in children:
            child.join(LOOK)  # its end is known before its exit code is
        if any(child.exitcode == RUN_AGAIN for child in children):
            raise NoMainGuard() from None
        raise ElmyrError(
            "a process of the study was killed (out of memory?): resume with fewer: elmyr resume STUDY --processes 1"
        ) from None


@contextmanager
def _pool(study: Path, processes: int, threads: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(study, threads))
    try:
        with _without_lost_script():
            yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()  # what it was at is begun again from its last checkpoint
        raise
    pool.shutdown()


@contextmanager
def _without_lost_script() -> Iterator[None]:
    """Inside, a script that came through a pipe, as by `python - < script`, names no file: no process finds it."""
    main = sys.modules["__main__"]
    named = getattr(main, "__file__", None)
    if named is None or os.path.exists(named):
        yield
        return
    del main.__file__
    try:
        yield
    finally:
        main.__file__ = named


def _begin(study: Path, threads: int) -> None:
    global _worker
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C reaches every process of a terminal's group: the first one decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore", DataWarning)  # told by the process that planned the study
    torch.set_num_threads(threads)
    load_all()
    _worker = Worker(study)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _perform(piece: Piece) -> Done:
    assert _worker is not None
    return _worker.perform(piece)
