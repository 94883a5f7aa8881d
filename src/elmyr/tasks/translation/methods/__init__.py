"""How a translator may learn: each method a class that says what a made image is held to, beside the game."""

from __future__ import annotations

from elmyr.core.errors import InputError, suggestion
from elmyr.tasks.translation.methods.contrastive import Contrastive
from elmyr.tasks.translation.methods.cycle import Cycle
from elmyr.tasks.translation.methods.paired import Paired
from elmyr.tasks.translation.methods.terms import TranslationMethod

METHODS: dict[str, type[TranslationMethod]] = {"cycle": Cycle, "contrastive": Contrastive, "paired": Paired}


def method_of(name: str) -> type[TranslationMethod]:
    """The method of a name; InputError for an unknown one."""
    if name not in METHODS:
        raise InputError(f"a translator has no method '{name}': {suggestion(name, METHODS)}")
    return METHODS[name]


__all__ = ["METHODS", "Method", "method_of"]
