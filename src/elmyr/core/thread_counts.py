"""How many threads a user asks for, and how many cores there are. No torch: a page that only waits needs none."""

from __future__ import annotations

import os

from elmyr.core.errors import InputError

AUTO = "auto"
Threads = int | str  # a number, or AUTO

PINNING = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # what a user has set in the environment is not chosen again


def asked_threads(asked: Threads) -> int | None:
    """The number that is asked for, None for `auto`; InputError for what this machine has not got."""
    if asked == AUTO:
        return None
    count, most = (int(asked) if str(asked).isascii() and str(asked).isdecimal() else 0), cores()
    if not 1 <= count <= most:
        fitting = "1, the only core here" if most == 1 else f"1 to {most}, the cores here"
        raise InputError(f"--threads is {asked}: give auto, or {fitting}")
    return count


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_by_user() -> bool:
    """Whether the environment says how many."""
    return any(os.environ.get(name) for name in PINNING)


def refuse_other_threads(work: str, asked: Threads, begun: int) -> None:
    """InputError where work that goes on is asked for by another number of threads than it was begun with."""
    if asked_threads(asked) not in (None, begun):
        raise InputError(
            f"'{work}' was begun with --threads {begun}, on which its last bits depend: leave out --threads {asked}, "
            "or begin another with --out"
        )
