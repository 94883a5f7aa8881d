"""What each kind of model answers when it is served: one table for the catalog, the worker, the API and the page.

Nothing here imports torch: the page's process reads it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from safetensors import SafetensorError, safe_open

from elmyr.core.tables import Table
from elmyr.engine.saving.places import BEST, DIRECTIONS, GAN_KIND, STUDY_KIND, home_of
from elmyr.serving.http import queries

JSON, PNG, NPZ = "application/json", "image/png", "application/zip"

Shape = tuple[int | None, int | None, int]  # height, width, channels; None where any will do
Parts = Mapping[str, Any]


@dataclass(frozen=True)
class Described:
    """What is known of a model without opening it. more: what only its kind has, as JSON values."""

    image_shape: Shape
    classes: tuple[str, ...] = ()
    trained_on: str | None = None
    more: Parts = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """A question to a model, asked at `/v1/models/NAME/OPERATION`.

    query: its words, with their bounds. upload: whether images are sent along (POST), else it is a GET. types: media
    types of its answers, example: one in JSON. reasons: statuses that no other operation has, with what they mean.
    """

    summary: str
    query: type[BaseModel]
    types: tuple[str, ...]
    example: Any
    upload: bool = False
    about: str | None = None
    reasons: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServedKind:
    """How models of a kind are served.

    file: what describes one in its folder. describe: reads that, and the config of the run that it lies in ({} without
    one); whatever it raises of AttributeError, KeyError, TypeError and ValueError means a damaged file. beside: what
    else the folder of a model tells, as JSON values. work: the
    `KindWork` of the worker, or `module:attribute` of it, so that the page's process need not load it. tab: that of the
    page which the kind is for. train: the command that makes one. inside: of a run that holds others, or a model in a
    folder of its own, the one that is served in its place.
    """

    file: str
    describe: Callable[[Any, Parts], Described]
    work: str | Any
    operations: Mapping[str, Operation]
    tab: str
    train: str
    inside: str = ""
    beside: Callable[[Path], Parts] = lambda folder: {}


def _moves(folder: Path) -> Parts:
    """The directions that a GAN's run keeps, told by the head of their file: none where there is no whole one."""
    try:
        with safe_open(home_of(folder) / DIRECTIONS, framework="numpy") as file:
            told = json.loads(file.metadata()["directions"])["all"]
            moves = [{"name": str(each["name"]), "moves": str(each["moves"]), "way": str(each["way"])} for each in told]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        moves = []
    return {"moves": moves}


def _of_gan(content: Any, config: Parts) -> Described:
    gan = content["config"]
    shape = int(gan["height"]), int(gan["width"]), int(gan["channels"])
    return Described(shape, tuple(map(str, gan["classes"])), content["trained"].get("data"))


def _of_recognizer(content: Any, config: Parts) -> Described:
    height, width, channels = map(int, content["image_shape"])
    trained_on = config.get("name")  # of a study
    return Described((height, width, channels), tuple(map(str, content["classes"])), trained_on)


def _of_restorer(content: Any, config: Parts) -> Described:
    side = int(content["side"])
    return Described((side, side, int(content["channels"])))


def _of_translator(content: Any, config: Parts) -> Described:
    a, b = (str(config[side]["name"]) if config else side.upper() for side in ("a", "b"))
    names = {"a-to-b": [a, b], "b-to-a": [b, a]}
    more = {
        "directions": {way: names[way] for way in content["directions"]},
        "styled": bool(content["choices"]["styled"]),
    }
    height, width = map(int, content["image_shape"][:2]) if content.get("image_shape") else (None, None)
    shape = height, width, int(content["channels"])
    return Described(shape, trained_on=f"{a} and {b}" if config else None, more=more)


PICTURE = "iVBORw0KGgo…"
MADE = {"images": [{"label": "3", "image": PICTURE}]}
READ = {"images": [{"label": "3", "probability": 0.98, "probabilities": {"3": 0.98, "5": 0.02}}]}
EDITED = {
    **{"class": "3", "error": 0.004, "seen": PICTURE, "nearest": PICTURE, "edited": PICTURE},
    "every": [{"label": "0", "image": PICTURE}],
}
REPAIRED = {"seen": PICTURE, "answers": [PICTURE], "spread": None}
TRANSLATED = {"direction": "a-to-b", "images": [{"answers": [PICTURE]}]}
NO_NEAREST = {409: "the training images are not available, so there are no nearest ones"}
HIDDEN = "What is wholly transparent in a PNG is hidden, and made anew; the rest stays, unless it is noisy."
CHANGED = {
    **{"read": "4", "becomes": "9", "probability": 0.99, "distance": 3.4},
    **{"seen": PICTURE, "found": PICTURE, "difference": PICTURE},
}
CHANGES = "The nearest image that a GAN makes and that is read as another class; red in the difference was added."
FOOLS = "The nearest image at all that is read as another class; the difference is drawn as strong as can be."
NEAREST = (
    "The GAN makes the nearest image that it can (error: mean squared, of pixels from 0 to 1); its latent is moved "
    "along directions, or made as another class. Images of any size are brought into that of the GAN."
)
FEATURES = "The recognizer's features of images"

RECOGNIZER = ServedKind(
    "recognizer.json",
    _of_recognizer,
    "elmyr.serving.worker.recognizing:WORK",
    {
        "recognize": Operation("Classify images", queries.Recognize, (JSON,), READ, upload=True, reasons=NO_NEAREST),
        "counterfactual": Operation(
            "What would have to change", queries.Counterfactual, (JSON,), CHANGED, upload=True, about=CHANGES
        ),
        "fool": Operation("Fool the recognizer", queries.Fool, (JSON,), CHANGED, upload=True, about=FOOLS),
        "embed": Operation(FEATURES, queries.Embed, (JSON, NPZ), {"features": [[0.1, -0.2]]}, upload=True),
    },
    tab="draw",
    train="elmyr recognizer train digits --out runs/recognizer",
)
GAN = ServedKind(
    "gan.json",
    _of_gan,
    "elmyr.serving.worker.generating:WORK",
    {
        "generate": Operation("Make images", queries.Generate, (PNG, NPZ, JSON), MADE),
        "between": Operation("Interpolate between two images", queries.Between, (JSON, PNG, NPZ), MADE),
        "edit": Operation("Edit an image", queries.Edit, (JSON,), EDITED, upload=True, about=NEAREST),
    },
    tab="generate",
    train="elmyr train digits --out runs/gan",
    beside=_moves,
)
RESTORER = ServedKind(
    "restorer.json",
    _of_restorer,
    "elmyr.serving.worker.repairing:WORK",
    {"repair": Operation("Repair a damaged image", queries.Repair, (JSON,), REPAIRED, upload=True, about=HIDDEN)},
    tab="repair",
    train="elmyr restorer train digits --out runs/restorer",
)
TRANSLATOR = ServedKind(
    "translator.json",
    _of_translator,
    "elmyr.serving.worker.translating:WORK",
    {
        "translate": Operation(
            "Translate images into another domain", queries.Translate, (JSON, PNG, NPZ), TRANSLATED, upload=True
        )
    },
    tab="translate",
    train="elmyr translator train digits-thin digits-thick --out runs/translator",
)

SERVED: Table[ServedKind] = Table(
    "kind of model",
    {
        GAN_KIND: GAN,
        "recognizer": RECOGNIZER,
        "restorer": RESTORER,
        "translator": TRANSLATOR,
        "adaptation": replace(RECOGNIZER, inside="recognizer"),
        STUDY_KIND: replace(RECOGNIZER, inside=BEST),
    },
)


def kinds_that(operation: str) -> list[str]:
    """The kinds that answer an operation."""
    return [kind for kind, served in SERVED.items() if operation in served.operations and not served.inside]
