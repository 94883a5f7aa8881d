"""The settings of a sweep: those with one value, and those with several, of which each combination is trained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from elmyr.core.errors import InputError
from elmyr.engine.config import Settings, parse_settings

OPENING, CLOSING, QUOTE = "[{(", "]})", '"'
AS_IN = "as adversarial.learning_rate=1e-4,5e-4,1e-3"


class Swept(NamedTuple):
    """Settings by their names: those that all trainings have, and the values of those that they differ in."""

    fixed: dict[str, Any]
    several: dict[str, list[Any]]


def swept(settings: Settings) -> Swept:
    """Settings in any form, as `parse_settings` takes them, with commas between several values, or lists of them.

    A comma inside brackets or quotes is part of a value. Raises InputError for what is no setting, a name or a value
    given twice, an empty value, and where no setting has several values.
    """
    if isinstance(settings, Mapping):
        found = {name: list(value) if isinstance(value, list | tuple) else [value] for name, value in settings.items()}
    else:
        found = _parsed([settings] if isinstance(settings, str) else settings)
    for name, values in found.items():
        if not values:
            raise InputError(f"the setting {name} has no value: give some, {AS_IN}")
        twice = next((value for place, value in enumerate(values) if _is_among(value, values[:place])), None)
        if twice is not None:
            raise InputError(f"the setting {name} has the value {written(twice)} twice: give each value once")
    several = {name: values for name, values in found.items() if len(values) > 1}
    if not several:
        told = f"{next(iter(found))} has one value" if found else "no setting is given"
        raise InputError(f"there is nothing to sweep, as {told}: give several with commas between, {AS_IN}")
    return Swept({name: values[0] for name, values in found.items() if len(values) == 1}, several)


def combinations(several: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values; those of the last setting change first."""
    return [dict(zip(several, values, strict=True)) for values in product(*several.values())]


def written(value: Any) -> str:
    """A value as the command line has it: words in quotes where they would be read as something else without."""
    return value if isinstance(value, str) and _is_read_as_it_is(value) else json.dumps(value)


def named(settings: Mapping[str, Any]) -> str:
    """Settings as people read them: "penalties.r1=2, batch=32"."""
    return ", ".join(f"{name}={written(value)}" for name, value in settings.items())


def _parsed(settings: Iterable[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for setting in settings:
        (name,) = parse_settings([setting])  # refuses what is none
        if name in found:
            raise InputError(f"the setting {name} is given twice: give all its values in one, {AS_IN}")
        texts, left_open = _apart(setting.partition("=")[2])
        if left_open:
            raise InputError(
                f"'{setting}' opens {left_open} and does not close it: close it, or put the value in quotes"
            )
        if len(texts) > 1 and not all(texts):
            raise InputError(f"'{setting}' has an empty value: give values with one comma between, {AS_IN}")
        found[name] = [parse_settings([f"{name}={text}"])[name] for text in texts]
    return found


def _apart(text: str) -> tuple[list[str], str]:
    """The parts of a text between commas, but for those inside brackets and quotes; what is open at its end."""
    parts, opened, escaped = [""], list[str](), False
    for sign in text:
        quoted = opened[-1:] == [QUOTE]
        if sign == "," and not opened:
            parts.append("")
            continue
        parts[-1] += sign
        if quoted:
            if sign == QUOTE and not escaped:
                opened.pop()
        elif sign in OPENING + QUOTE:
            opened.append(sign)
        elif sign in CLOSING and opened:
            opened.pop()
        escaped = quoted and sign == "\\" and not escaped
    return [part.strip() for part in parts], "".join(opened[-1:])


def _is_read_as_it_is(text: str) -> bool:
    """Whether words need no quotes, also between others: they are no JSON, and no comma or bracket parts them."""
    try:
        json.loads(text)
    except ValueError:
        return bool(text) and _apart(f"{text},{text}") == ([text, text], "")
    return False


def _is_among(value: Any, others: list[Any]) -> bool:
    """Whether a value is one of others: 1 and 1.0 are the same, 1 and true are not."""
    return any(value == other and isinstance(value, bool) == isinstance(other, bool) for other in others)
