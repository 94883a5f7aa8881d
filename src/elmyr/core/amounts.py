"""Budgets as people write them: images seen, and times."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from elmyr.core.errors import InputError

Amount = int | float | str  # 200_000, 2e5 or "200k"; of a time 90, 1.5 or "1h30m"

THOUSANDS = {"k": 1_000, "m": 1_000_000}
SECONDS = {"h": 3600, "m": 60, "s": 1}
GROUPED = re.compile(r"\d{1,3}(,\d{3})+", re.ASCII)
TIME = re.compile(r"(?=.)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
LONGEST = 10**9  # seconds


def image_count(given: Amount | None, name: str = "images") -> int | None:
    """200000, 2e5, "200k", "1.5M" or "200,000" as a number of images; None stays None.

    Raises InputError that calls it `name` for what is no whole number of at least 1.
    """
    if given is None:
        return None
    text = _text(given)
    unit = THOUSANDS.get(text[-1:].lower(), 1)
    digits = text[:-1] if unit > 1 else text
    number = _decimal(digits.replace(",", "") if GROUPED.fullmatch(digits) else digits) * unit
    if not number.is_finite() or number.adjusted() > 15 or number < 1 or number != int(number):
        raise InputError(f"{name} is {_shown(given)}: give a whole number of at least 1, such as 200k")
    return int(number)


def minutes_of(given: Amount | None, name: str = "minutes") -> float | None:
    """90, 1.5, "90" or "1h30m" as minutes; None stays None, InputError for what is no time."""
    if given is None:
        return None
    text = _text(given)
    number = _decimal(text)
    seconds = float(60 * number) if number.is_finite() else _seconds(text)
    return _checked(seconds, given, name, "as 90 or 1h30m") / 60


def seconds_of(given: Amount | None, name: str = "budget") -> float | None:
    """A number of seconds, or a time such as "2h", "90m" or "1h30m", as seconds; None stays None.

    Raises InputError for what is no time, and for a text without a unit.
    """
    if given is None:
        return None
    seconds = _seconds(_text(given)) if isinstance(given, str) else float(_decimal(_text(given)))
    return _checked(seconds, given, name, "as 2h, 90m or 1h30m")


def _checked(seconds: float, given: Amount, name: str, such: str) -> float:
    if not 0 < seconds < LONGEST:
        raise InputError(f"{name} is {_shown(given)}: give a time above 0, {such}")
    return seconds


def _seconds(text: str) -> float:
    """0 for what is no time."""
    found = TIME.fullmatch(text.lower())
    groups = found.groups("0") if found else ()
    return float(sum(int(number[:12]) * unit for number, unit in zip(groups, SECONDS.values(), strict=False)))


def _text(given: Amount) -> str:
    return "" if isinstance(given, bool) else str(given).strip()


def _decimal(text: str) -> Decimal:
    """NaN for what is no number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _shown(given: Amount) -> str:
    return repr(str(given)[:40]) if isinstance(given, str) else str(given)
