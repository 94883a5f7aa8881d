"""Names of a package that are loaded at their first use: importing one of its modules does not wait for torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A package's `__getattr__`: each of its names comes from the module that is its home."""

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load


def instead_of(package: str, homes: Sequence[str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names have moved into others."""

    def load(name: str) -> Any:
        for home in homes:
            if hasattr(found := import_module(home), name):
                return getattr(found, name)
        raise AttributeError(f"module '{package}' has no attribute {name!r}")

    return load
