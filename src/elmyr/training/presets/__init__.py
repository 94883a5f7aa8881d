"""Presets: named sets of choices, a TOML file each."""

import tomllib
from importlib.resources import files
from typing import Any

from elmyr.errors import InputError, suggestion


def preset_names() -> list[str]:
    """The names of all presets."""
    return sorted(
        entry.name.removesuffix(".toml") for entry in files(__name__).iterdir() if entry.name.endswith(".toml")
    )


def read_preset(name: str) -> dict[str, Any]:
    """A preset's choices as it states them, `"auto"` included."""
    if name not in preset_names():
        raise InputError(f"no preset '{name}': {suggestion(name, preset_names())}")
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
