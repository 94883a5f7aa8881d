"""The errors a user meets. Each message is one line: what is wrong, where, and how to correct it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

MOST_SHOWN = 30  # names in a message
NEAR = 0.75  # the share of common signs from which one word is taken for another
NUMBER = re.compile(r"[-+]?[\d.,]+")


class ElmyrError(Exception):
    """Something failed while working; the command exits with 1."""

    exit_code = 1


class InputError(ElmyrError, ValueError):
    """Wrong usage or input, found before work starts; the command exits with 2."""

    exit_code = 2


class DivergedError(ElmyrError):
    """Training produced numbers that are not finite, after `images` seen; the command exits with 3."""

    exit_code = 3

    def __init__(self, message: str, *, images: int = 0) -> None:
        super().__init__(message)
        self.images = images


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
    """The end of a message about an unknown name: the one that is meant, or the known ones."""
    known = list(known)
    near = nearest(name, known)
    if near is not None:
        return f"did you mean '{near}'?"
    if (
        known
        and known[0].isdecimal()
        and known == [str(number) for number in range(int(known[0]), int(known[0]) + len(known))]
    ):
        return f"choose from {known[0]} … {known[-1]}"
    shown, more = sorted(known)[:MOST_SHOWN], len(known) - MOST_SHOWN
    return f"choose from: {', '.join(shown)}" + (f" … ({more:,} more)" if more > 0 else "")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name of which this one is a slip of the pen: a sign or two, or capitals; None for any other.

    A number is never the slip of another number: 12 is not 2.
    """
    by_folded = {each.casefold(): each for each in known if not NUMBER.fullmatch(each)}
    folded = name.casefold()
    near = get_close_matches(folded, by_folded, n=1, cutoff=NEAR)
    near = near or [each for each in by_folded if sorted(each) == sorted(folded)]  # as dgo for dog
    return by_folded[near[0]] if near and not NUMBER.fullmatch(name) else None
