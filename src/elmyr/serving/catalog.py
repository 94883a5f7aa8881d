"""What is served, as it is known without opening it: names, kinds and shapes, read from what `save` wrote."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from elmyr.errors import InputError, suggestion
from elmyr.files import read_json
from elmyr.training.rundir import open_run

FILES = {"gan": "gan.json", "recognizer": "recognizer.json", "restorer": "restorer.json"}
NAME = re.compile(r"[\w.-]{1,64}")  # of a model: it stands in addresses
PLAIN = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class ServedModel:
    """A model that is served. image_shape: (H, W, C); of a restorer the side that it was trained at, it takes any."""

    name: str
    path: Path
    kind: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    trained_on: str | None

    @property
    def description(self) -> Path:
        """The file that tells what the model is."""
        return self.path / FILES[self.kind]

    def as_json(self, loaded: Sequence[str] = ()) -> dict[str, Any]:
        """As the page and the API tell of it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "classes": list(self.classes),
            "image_shape": list(self.image_shape),
            "loaded": self.name in loaded,
            "trained_on": self.trained_on,
        }


@dataclass(frozen=True)
class WorkerOptions:
    """What the worker is told at its start. memory: megabytes of models that stay open."""

    models: Sequence[ServedModel]
    memory: float = 2048
    device: str = "auto"
    precision: str = "auto"
    data_root: str | None = None

    def as_word(self) -> str:
        """As a word of a command line."""
        return json.dumps(asdict(self), default=os.fspath)

    @classmethod
    def of_word(cls, word: str) -> WorkerOptions:
        """What `as_word` made of it."""
        content = json.loads(word)
        models = [
            ServedModel(
                name=each["name"],
                path=Path(each["path"]),
                kind=each["kind"],
                classes=tuple(each["classes"]),
                image_shape=tuple(each["image_shape"]),
                trained_on=each["trained_on"],
            )
            for each in content.pop("models")
        ]
        return cls(models=models, **content)


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


def _described(name: str, path: str) -> ServedModel:
    folder = Path(path)
    data = None
    if not any((folder / file).is_file() for file in FILES.values()):
        run = open_run(path)
        folder, trained = run.model, run.read_config().get("data")
        data = trained.get("name") if isinstance(trained, dict) else None
        name = name or run.path.resolve().name
        if run.kind not in FILES:
            raise InputError(f"'{path}' is the run of a {run.kind}: name one of its runs, or another")
        if not any((folder / file).is_file() for file in FILES.values()):
            raise InputError(f"'{path}' has no finished model: elmyr resume {run.path}")
    kind = next(kind for kind, file in FILES.items() if (folder / file).is_file())
    name = name or PLAIN.sub("-", folder.resolve().name).strip("-") or kind
    if not NAME.fullmatch(name):
        raise InputError(f"a model cannot be named '{name[:80]}': letters, digits, dots, - and _, at most 64")
    content = read_json(folder / FILES[kind])
    try:
        classes, shape, trained_on = _READERS[kind](content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"'{folder}' is no whole {kind} ({error}): copy or train it again") from None
    return ServedModel(name, folder.resolve(), kind, classes, shape, data or trained_on)


def _of_gan(content: Any) -> tuple[tuple[str, ...], tuple[int, int, int], str | None]:
    config = content["config"]
    shape = int(config["height"]), int(config["width"]), int(config["channels"])
    return tuple(map(str, config["classes"])), shape, content["trained"].get("data")


def _of_recognizer(content: Any) -> tuple[tuple[str, ...], tuple[int, int, int], str | None]:
    height, width, channels = map(int, content["image_shape"])
    return tuple(map(str, content["classes"])), (height, width, channels), None


def _of_restorer(content: Any) -> tuple[tuple[str, ...], tuple[int, int, int], str | None]:
    side = int(content["side"])
    return (), (side, side, int(content["channels"])), None


_READERS = {"gan": _of_gan, "recognizer": _of_recognizer, "restorer": _of_restorer}
