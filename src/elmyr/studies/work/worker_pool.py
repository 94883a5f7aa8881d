"""Pieces of work that are done at once: by processes that end with the one that began them, or by a cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

import torch

from elmyr.core.errors import ElmyrError, InputError, InterruptedRun
from elmyr.core.notes import DataWarning
from elmyr.core.plugins import load_all
from elmyr.engine.guards import RUN_AGAIN
from elmyr.engine.progress import shown
from elmyr.studies.work.cluster import current
from elmyr.studies.work.crew import Crew, Piece, Pool, Worker

__all__ = ["NoMainGuard", "Pool", "at_once", "performed"]

TERMINATED = 128 + signal.SIGTERM  # the exit code of a process that was stopped in the middle of a piece
LOOK = 5.0  # seconds between two looks at how far it is


P = TypeVar("P", bound=Piece)
D = TypeVar("D")

_worker: Worker[Any, Any] | None = None  # of this process, where it is one of the pool


class NoMainGuard(InputError):
    """The script that began the work runs from its top again in each of its processes."""

    def __init__(self, called: str) -> None:
        script = getattr(sys.modules["__main__"], "__file__", None)
        super().__init__(
            f"'{os.path.basename(script or 'the script')}' is run again by each process of {called}: put what it does "
            "under 'if __name__ == \"__main__\":', or work by one process with processes=1"
        )


def at_once(processes: int) -> bool:
    """Whether pieces are done by others than this process: several here, or those of a cluster."""
    return processes > 1 or current() is not None


def performed(how: Pool, pieces: Sequence[P], done: Collection[P]) -> Iterator[tuple[P, Any]]:
    """Does the pieces that are not done, each after what it needs, and gives each, with what came of it, as it ends.

    Raises NoMainGuard where the processes run the script that began them.
    """
    waiting = [piece for piece in pieces if piece not in done]
    running: dict[Future[Any], P] = {}
    done = set(done)
    progress = shown(how.folder.name, total=len(pieces), unit="pieces of work", quiet=how.quiet)
    cluster = current()
    with cluster.crew(how) if cluster else _processes(how) as crew, progress as listener:
        while waiting or running:
            ready = [piece for piece in waiting if done.issuperset(piece.needs())]
            for piece in ready[: how.processes - len(running)]:
                waiting.remove(piece)
                running[crew.submit(piece)] = piece
            while not (ended := wait(running, timeout=LOOK, return_when=FIRST_COMPLETED).done):
                if listener is not None:
                    listener.advance(len(done))
            for future in sorted(ended, key=lambda each: each.exception() is not None):  # what is done is not lost
                piece = running.pop(future)
                yield piece, crew.outcome(future)
                done.add(piece)


class Processes:
    """Those of this machine."""

    def __init__(self, how: Pool) -> None:
        self.how = how
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(how.processes, mp_context=context, initializer=_begin, initargs=(how,))
        self.children: Sequence[BaseProcess] = ()

    def submit(self, piece: Any) -> Future[Any]:
        """Begins a piece."""
        with _ctrl_c_held_back():  # submitting starts processes
            future = self.pool.submit(_perform, piece)
        self.children = multiprocessing.active_children()
        return future

    def outcome(self, future: Future[D]) -> D:
        """What came of a piece that has ended."""
        try:
            return future.result()
        except BrokenProcessPool:
            for child in self.children:
                child.join(LOOK)  # its end is known before its exit code is
            ends = {child.exitcode for child in self.children}
            if RUN_AGAIN in ends:
                raise NoMainGuard(self.how.called) from None
            if ends <= {TERMINATED, -signal.SIGTERM}:  # another end makes the executor terminate the others
                raise InterruptedRun(f"{self.how.called} stopped", signal_number=signal.SIGTERM) from None
            raise ElmyrError(
                f"a process of {self.how.called} was killed (out of memory?): resume with fewer: elmyr resume "
                f"{self.how.folder} --processes 1"
            ) from None


@contextmanager
def _processes(how: Pool) -> Iterator[Crew]:
    processes = Processes(how)
    try:
        with _without_lost_script():
            yield processes
    except BaseException:
        processes.pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()  # what it was at is begun again from its last checkpoint
        raise
    processes.pool.shutdown()


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


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Inside, Ctrl-C waits for the end of it; a process that is started meanwhile hears none until it says so."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_ctrl_c_to_the_first() -> None:
    """Ctrl-C reaches every process of a terminal's group: the first one decides, also of what came until now."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    if hasattr(signal, "pthread_sigmask"):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # forgets the one that waits
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, before)


def _begin(how: Pool) -> None:
    global _worker
    _leave_ctrl_c_to_the_first()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    warnings.simplefilter("ignore", DataWarning)  # told by the process that planned the work
    torch.set_num_threads(how.threads)
    load_all()
    _worker = how.worker(how.folder)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _perform(piece: Any) -> Any:
    """Does a piece in a process of the pool. Where a signal stops it, so it does the process.

    Given back as an outcome, it would leave a process that waits for its next piece: one that heard two signals as one
    hears no third, and the process that joins it waits for ever.
    """
    assert _worker is not None
    try:
        return _worker.perform(piece)
    except InterruptedRun:
        os._exit(TERMINATED)
