"""The end of work that a signal interrupts: one line that says how to resume it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from elmyr.core import plugins
from elmyr.core.errors import InterruptedRun


@contextmanager
def resumable(folder: Path, called: str) -> Iterator[None]:
    """Inside, an interruption becomes one that names the command which resumes the work in the folder."""
    try:
        yield
    except InterruptedRun as stopped:
        raise _interruption(stopped.exit_code - 128, folder, called) from None
    except KeyboardInterrupt:
        raise _interruption(signal.SIGINT, folder, called) from None


def _interruption(number: int, folder: Path, called: str) -> InterruptedRun:
    resumed = plugins.with_plugins(f"elmyr resume {folder}")
    return InterruptedRun(f"{called} stopped; resume with: {resumed}", signal_number=number)
