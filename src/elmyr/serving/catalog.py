"""The models that are served, as they are known without opening them: read from what `save` wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from elmyr.core.errors import InputError, suggestion
from elmyr.core.files import read_json
from elmyr.engine.saving.places import best_of_study, called, is_study, require_plugins, with_article
from elmyr.engine.saving.run_directory import RunDirectory, open_run
from elmyr.serving.kinds import SERVED, Shape

NAME = re.compile(r"[\w.-]{1,64}")  # of a model: it stands in addresses
PLAIN = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class ServedModel:
    """A model that is served. image_shape: that of its training, where its kind keeps it; more: of its kind alone."""

    name: str
    path: Path
    kind: str
    classes: tuple[str, ...]
    image_shape: Shape
    trained_on: str | None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def description(self) -> Path:
        """The file that tells what the model is."""
        return self.path / SERVED[self.kind].file

    def as_json(self, loaded: Sequence[str] = ()) -> dict[str, Any]:
        """As the page and the API tell of it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "classes": list(self.classes),
            "image_shape": list(self.image_shape),
            "loaded": self.name in loaded,
            "trained_on": self.trained_on,
            **self.more,
        }


@dataclass(frozen=True)
class WorkerOptions:
    """What the worker is told at its start. memory: megabytes of models that stay open. threads: that compute; the
    quicker number of those that leave a core to the page where None."""

    models: Sequence[ServedModel]
    memory: float = 2048
    device: str = "auto"
    precision: str = "auto"
    data_root: str | None = None
    threads: int | None = None

    def as_word(self) -> str:
        """As a word of a command line."""
        return _OPTIONS.dump_json(self).decode()

    @classmethod
    def of_word(cls, word: str) -> WorkerOptions:
        """What `as_word` made of it."""
        return _OPTIONS.validate_json(word)


_OPTIONS = TypeAdapter(WorkerOptions)


def find_served(words: Sequence[str]) -> list[ServedModel]:
    """The models that words such as `runs/00003-mnist`, `latest` or `digits=path/to/folder` name.

    InputError, which says which word, for what is no finished run and no folder that `save` wrote, and for a name that
    two would have.
    """
    found: list[ServedModel] = []
    for word in words:
        name, _, path = word.partition("=") if "=" in word and not Path(word).exists() else ("", "", word)
        served = _described(name, path)
        if any(served.name == other.name for other in found):
            raise InputError(f"two models are named '{served.name}': name them, as NAME={path}")
        found.append(served)
    return found


def named(models: Sequence[ServedModel], name: str) -> ServedModel | None:
    """The model of this name."""
    return next((model for model in models if model.name == name), None)


def hint(models: Sequence[ServedModel], name: str) -> str:
    """The end of a message about an unknown name."""
    return suggestion(name, [model.name for model in models]) if models else "none is served"


def run_of_model(run: RunDirectory) -> RunDirectory:
    """The run itself; of one that holds others, such as an adaptation, the one that is wanted, once it has begun."""
    kind = SERVED.get(run.kind)
    inside = run if kind is None else RunDirectory(run.path / kind.inside)
    return inside if inside.config.is_file() else run


def _described(name: str, path: str) -> ServedModel:
    folder, config = Path(path), dict[str, Any]()
    kind = _kind_in(folder)
    if kind is None:
        asked = open_run(path)
        if asked.kind not in SERVED:
            raise InputError(f"'{path}' is the run of {with_article(asked.kind)}: name one of its runs, or another")
        run = run_of_model(asked)
        name = name or asked.path.resolve().name
        folder, config = best_of_study(asked.path) if is_study(asked.path) else run.model, run.read_config()
        kind = _kind_in(folder)
        if kind is None:
            raise InputError(f"'{path}' has no finished model: elmyr resume {asked.path}")
    require_plugins(folder.parent, of_model=True)
    name = name or PLAIN.sub("-", folder.resolve().name).strip("-") or kind
    if not NAME.fullmatch(name):
        raise InputError(f"a model cannot be named '{name[:80]}': letters, digits, dots, - and _, at most 64")
    content = read_json(folder / SERVED[kind].file)
    try:
        found = SERVED[kind].describe(content, config)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"'{folder}' is no whole {called(kind)} ({error}): copy or train it again") from None
    trained = config.get("data")
    trained_on = (trained.get("name") if isinstance(trained, dict) else None) or found.trained_on
    more = {**found.more, **SERVED[kind].beside(folder)}
    return ServedModel(name, folder.resolve(), kind, found.classes, found.image_shape, trained_on, more)


def _kind_in(folder: Path) -> str | None:
    """The kind of the model that was saved in a folder."""
    own = {kind: served.file for kind, served in SERVED.items() if not served.inside}
    return next((kind for kind, file in own.items() if (folder / file).is_file()), None)
