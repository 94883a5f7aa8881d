"""The errors a user meets. Each message is one line: what is wrong, where, and the mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches


class ElmyrError(Exception):
    """Something failed while working; the command exits with 1."""

    exit_code = 1


class InputError(ElmyrError, ValueError):
    """Wrong usage or input, found before work starts; the command exits with 2."""

    exit_code = 2


class DivergedError(ElmyrError):
    """Training produced numbers that are not finite; the command exits with 3."""

    exit_code = 3


class InterruptedRun(ElmyrError):
    """A signal ended the work in good order; the command exits with 128 + the signal's number."""

    def __init__(self, message: str, *, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number

    def __reduce__(self) -> tuple[Callable[..., InterruptedRun], tuple[str, int]]:
        return _interrupted, (str(self), self.exit_code - 128)  # between processes


def _interrupted(message: str, signal_number: int) -> InterruptedRun:
    return InterruptedRun(message, signal_number=signal_number)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"choose from: {', '.join(known)}"
