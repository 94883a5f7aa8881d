"""A table: the parts of one kind by name, those of elmyr and those that a plug-in adds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

from elmyr.core.errors import InputError, suggestion

NAME = re.compile(r"[a-z0-9][a-z0-9 +_-]*")

T = TypeVar("T")


class Table(Mapping[str, T], Generic[T]):
    """The parts of one kind, such as objectives, by name.

    kind: what one of them is called in messages. parts: by name. lazy: parts by name as `module:attribute`, imported
    when first asked for. accept: makes a part of what a plug-in adds, or raises InputError. reserved: names that mean
    something else where one of these is asked for.
    """

    def __init__(
        self,
        kind: str,
        parts: Mapping[str, T] | None = None,
        *,
        lazy: Mapping[str, str] | None = None,
        accept: Callable[[Any], T] | None = None,
        reserved: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self._parts: dict[str, T] = dict(parts or {})
        self._lazy = dict(lazy or {})
        self._accept, self._reserved = accept, reserved
        self.origins: dict[str, str] = {}  # of what was added: its plug-in, "" without one

    def __getitem__(self, name: str) -> T:
        if name not in self._parts and name in self._lazy:
            module, _, attribute = self._lazy[name].partition(":")
            self._parts[name] = getattr(import_module(module), attribute)
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._lazy, **self._parts})

    def __len__(self) -> int:
        return len({**self._lazy, **self._parts})

    def __contains__(self, name: object) -> bool:
        return name in self._parts or name in self._lazy

    def named(self, name: str) -> T:
        """The part of this name; InputError, with the nearest name, where there is none."""
        self.require(name)
        return self[name]

    def require(self, name: str) -> None:
        """InputError, with the nearest name, where there is no part of this name; imports nothing."""
        if name not in self:
            raise InputError(f"no {self.kind} '{name}': {suggestion(name, list(self))}")

    def add(self, name: str, part: T, origin: str = "") -> T:
        """Adds a part of a plug-in; InputError for a name that is taken or cannot be typed, and for what is no part."""
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InputError(f"no {self.kind} can be named {name!r}: small letters, digits, - and _ make a name")
        if name in self or name in self._reserved:
            raise InputError(f"{self.kind} '{name}' is there already: give yours another name")
        for called in (getattr(part, "name", name), getattr(part, "kind", name)):
            if isinstance(called, str) and called != name:
                raise InputError(f"{self.kind} '{name}' calls itself '{called}': give both one name")
        part = part if self._accept is None else self._accept(part)
        self._parts[name], self.origins[name] = part, origin
        return part

    def remove(self, name: str) -> None:
        """Takes a part that was added out again."""
        del self._parts[name], self.origins[name]
