"""Presets: named sets of choices, a TOML file each."""

import tomllib
from importlib.resources import files
from typing import Any

from elmyr.core.errors import InputError, suggestion

NARRATION = ("about", "use")  # what a preset says of itself
DEFAULTS = "_defaults"


def preset_names() -> list[str]:
    """The names of all presets."""
    names = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml") and not name.startswith("_"))


def read_preset(name: str) -> dict[str, Any]:
    """A preset's choices, `"auto"` included: what it states, over those of the one it is `like`, over the defaults."""
    from elmyr.losses.penalties import PENALTIES  # needs torch, which a list of the presets does not wait for

    choices = _read(name)
    choices["penalties"] = dict.fromkeys(PENALTIES, 0.0) | choices["penalties"]
    return {key: choices.pop(key) for key in NARRATION} | choices


def narrated(name: str) -> list[str]:
    """What a preset says of itself: what it is, and when to use it."""
    choices = _read(name)
    return [choices[key] for key in NARRATION]


def _read(name: str) -> dict[str, Any]:
    if name not in (*preset_names(), DEFAULTS):
        raise InputError(f"no preset '{name}': {suggestion(name, preset_names())}")
    stated: dict[str, Any] = tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
    if name == DEFAULTS:
        return stated
    choices = _read(stated.pop("like", DEFAULTS))
    for key, value in stated.items():
        choices[key] = choices[key] | value if isinstance(value, dict) else value
    return choices
