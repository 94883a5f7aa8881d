"""What every run has, whatever is trained in it: a beginning that is written down, and an end in good order."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime

from pydantic import BaseModel

from elmyr.core import machine, plugins
from elmyr.core.errors import InputError, InterruptedRun
from elmyr.core.files import write_json
from elmyr.engine.progress import Listener, shown
from elmyr.engine.saving.checkpoint import latest_checkpoint
from elmyr.engine.saving.run_directory import RunDirectory, position_of

RUN_AGAIN = 78  # the exit code of `refuse_rerun`


def write_beginning(run: RunDirectory, config: BaseModel, *, device: str, precision: str, processes: int = 1) -> None:
    """Writes `environment.json`, and then `config.json`, with which the directory is a run."""
    surroundings = (
        machine.environment()
        | plugins.environment()
        | {
            "device": device,
            "precision": precision,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "processes": processes,
        }
    )
    write_json(run.environment, surroundings)
    write_config(run, config)


def nothing_to_do(run: RunDirectory, say: Callable[[str], None]) -> bool:
    """Whether a run is finished; says so."""
    if run.finished:
        say(f"'{run.path}' is finished already: nothing to do (more with: elmyr resume {run.path} --images N)")
    return run.finished


def refuse_less(run: RunDirectory, images: int) -> None:
    """InputError where a run has seen more images already than another budget allows."""
    latest = latest_checkpoint(run.checkpoints)
    seen = position_of(latest) if latest else 0
    if images < max(seen, 1):
        raise InputError(f"'{run.path}' has seen {seen:,} images already: --images is at least that")


def write_config(run: RunDirectory, config: BaseModel) -> None:
    """Writes `config.json`."""
    write_json(run.config, config.model_dump(mode="json"))


@contextmanager
def at_work(
    run: RunDirectory, say: Callable[[str], None] = lambda line: None, *, previews: bool = True, writes: bool = True
) -> Iterator[None]:
    """Inside, no other process works on the run; Ctrl-C becomes an InterruptedRun that says how to go on.

    Says where the run can be watched; `previews`: whether it draws any.
    """
    try:
        with run.locked() if writes else nullcontext():
            pictures = f"; previews: {run.previews}" if previews else ""
            say(f"to watch it: elmyr serve --runs {shlex.quote(str(run.path.parent))}{pictures}")
            yield
    except KeyboardInterrupt:
        message = f"stopped; resume with: {plugins.with_plugins(f'elmyr resume {run.path}')}"
        raise InterruptedRun(message, signal_number=signal.SIGINT) from None


def shown_progress(run: RunDirectory, total: int, *, quiet: bool) -> AbstractContextManager[Listener | None]:
    """The progress of the run, shown unless `quiet`."""
    return shown(run.path.name, total=total, quiet=quiet)


def refuse_rerun() -> None:
    """Ends a process that was begun to do a part of the work, and runs the script from its top instead.

    So it is where a script has no main guard: the process that began it tells.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # as multiprocessing itself asks
        raise SystemExit(RUN_AGAIN)


def refuse_groups(what: str) -> None:
    """InputError under torchrun with more than one process, for what one does alone. what: such as "a study"."""
    refuse_rerun()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(f"{what} is the work of one process: leave out torchrun")
