"""Numbers as a reader meets them: counts, shares, durations, intervals, the ticks of an axis."""

import math
from collections.abc import Iterable

from elmyr.metrics import MeanInterval, mean_interval
from elmyr.report.words import ENGLISH, Words

MISSING = "—"
MINUS = "\u2212"
LARGEST = 1e100  # A chart's arithmetic stays finite below it; no figure that means something is as large.

WHOLE_FROM, WHOLE_TO = 9_999.5, 1e9  # sizes of figures that are told as whole numbers


def finite(values: Iterable[float | None]) -> list[float]:
    """The values that can be drawn: None, NaN and infinities are left out."""
    return [value for value in values if value is not None and is_finite(value)]


def is_finite(value: float | None) -> bool:
    """Whether the value can be drawn."""
    return value is not None and abs(value) < LARGEST  # which no NaN is


def summary(values: Iterable[float | None]) -> MeanInterval | None:
    """Mean, standard deviation and interval of the values that are finite; None where there are none."""
    known = finite(values)
    return mean_interval(known) if known else None


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are finite; None where there are none."""
    known = finite(values)
    return math.fsum(known) / len(known) if known else None


def count(value: float | None) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,.0f}" if is_finite(value) else MISSING


def number(value: float | None) -> str:
    """A figure in four significant digits; from 10,000 on the whole number, which no reader has to decode."""
    if value is None or not is_finite(value):
        return MISSING
    told = f"{value:,.0f}" if WHOLE_FROM <= abs(value) < WHOLE_TO else f"{value:.4g}"
    return told.replace("-", MINUS)


def percent(share: float | None, digits: int = 2) -> str:
    """A share of one in percent."""
    return f"{100 * share:.{digits}f} %" if share is not None and is_finite(share) else MISSING


def percent_over_seeds(shares: Iterable[float | None]) -> str:
    """The mean of some shares in percent, ± their standard deviation where there are several."""
    one = summary(shares)
    if one is None:
        return MISSING
    spread = f" ± {100 * one.sd:.2f}" if one.sd is not None else ""
    return f"{100 * one.mean:.2f}{spread} %"


def alternatives(shares: Iterable[float | None], word: str = " or ") -> str:
    """The distinct shares in percent: "25 % or 50 %"."""
    return word.join(percent(share, 0) for share in sorted(set(finite(shares)))) or MISSING


def points(difference: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    if difference is None or not is_finite(difference):
        return MISSING
    written = f"{100 * difference:+.2f}".replace("-", MINUS)
    return written[1:] if written[1:] == "0.00" else written


def duration(seconds: float | None, words: Words = ENGLISH) -> str:
    """Seconds in the two units that a reader would choose."""
    if seconds is None or not is_finite(seconds):
        return MISSING
    if seconds < 10:
        return words("{count} s", count=f"{seconds:.1f}")
    whole = round(seconds)
    parts = [words("{count} h", count=whole // 3600)] if whole >= 3600 else []
    parts += [words("{count} min", count=whole // 60 % 60)] if whole >= 60 else []
    parts += [words("{count} s", count=whole % 60)] if whole < 3600 else []
    return " ".join(parts)


def axis(values: Iterable[float], *, from_zero: bool = False) -> tuple[float, float]:
    """Where an axis begins and ends: at the least and the greatest value, or at 0; from 0 on where these are the same.

    So a share that stays at 0 or 1 has an axis of shares.
    """
    known = [*values, 0.0] if from_zero else list(values)
    low, high = min(known), max(known)
    if low == high:
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high if high > low else low + 1.0


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values between `low` and `high`, which are not the same: about as many as asked, two at least."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    # Counted in steps, so that no rounding piles up; the slack keeps 0.3 from being just above 3 * 0.1.
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def tick_labels(values: list[float]) -> list[str]:
    """The ticks as written on the axis, all with the same decimals; thousands as k, millions as M."""
    largest = max(map(abs, values))
    unit, sign = next(((u, s) for u, s in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if largest >= 10 * u), (1.0, ""))
    step = (values[1] - values[0]) / unit if len(values) > 1 else 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals > 4 or largest >= 1e13:
        digits = max(2, min(6, math.floor(math.log10(largest)) - math.floor(math.log10(step * unit) + 1e-9) + 1))
        return [f"{value:.{digits}g}".replace("-", MINUS) if value else "0" for value in values]
    # Adding 0 turns a rounded negative zero into zero.
    written = [f"{round(value / unit, decimals) + 0:,.{decimals}f}".replace("-", MINUS) for value in values]
    return [label + sign if value else "0" for value, label in zip(values, written, strict=True)]
