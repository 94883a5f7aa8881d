"""What each kind of model answers when it is served: one table for the catalog, the worker, the API and the page.

Nothing here imports torch: the page's process reads it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from elmyr.runs import GAN_KIND
from elmyr.serving import queries
from elmyr.tables import Table

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
    one); whatever it raises of AttributeError, KeyError, TypeError and ValueError means a damaged file. work: the
    `KindWork` of the worker, or `module:attribute` of it, so that the page's process need not load it. tab: that of the
    page which the kind is for. train: the command that makes one. inside: of a run that holds others, the one that is
    served in its place.
    """

    file: str
    describe: Callable[[Any, Parts], Described]
    work: str | Any
    operations: Mapping[str, Operation]
    tab: str
    train: str
    inside: str = ""


def _of_gan(content: Any, config: Parts) -> Described:
    gan = content["config"]
    shape = int(gan["height"]), int(gan["width"]), int(gan["channels"])
    return Described(shape, tuple(map(str, gan["classes"])), content["trained"].get("data"))


def _of_recognizer(content: Any, config: Parts) -> Described:
    height, width, channels = map(int, content["image_shape"])
    return Described((height, width, channels), tuple(map(str, content["classes"])))


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


MADE = {"images": [{"label": "3", "image": "iVBORw0KGgo…"}]}

RECOGNIZER = ServedKind(
    file="recognizer.json",
    describe=_of_recognizer,
    work="elmyr.serving.recognizing:WORK",
    operations={
        "recognize": Operation(
            summary="Classify images",
            query=queries.Recognize,
            types=(JSON,),
            example={"images": [{"label": "3", "probability": 0.98, "probabilities": {"3": 0.98, "5": 0.02}}]},
            upload=True,
            reasons={409: "the training images are not available, so there are no nearest ones"},
        ),
        "embed": Operation(
            summary="The recognizer's features of images",
            query=queries.Embed,
            types=(JSON, NPZ),
            example={"features": [[0.1, -0.2]]},
            upload=True,
        ),
    },
    tab="draw",
    train="elmyr recognizer train digits --out runs/recognizer",
)

SERVED: Table[ServedKind] = Table(
    "kind of model",
    {
        GAN_KIND: ServedKind(
            file="gan.json",
            describe=_of_gan,
            work="elmyr.serving.generating:WORK",
            operations={
                "generate": Operation(
                    summary="Make images", query=queries.Generate, types=(PNG, NPZ, JSON), example=MADE
                ),
                "between": Operation(
                    summary="Interpolate between two images",
                    query=queries.Between,
                    types=(JSON, PNG, NPZ),
                    example=MADE,
                ),
            },
            tab="generate",
            train="elmyr train digits --out runs/gan",
        ),
        "recognizer": RECOGNIZER,
        "adaptation": replace(RECOGNIZER, inside="recognizer"),
        "restorer": ServedKind(
            file="restorer.json",
            describe=_of_restorer,
            work="elmyr.serving.repairing:WORK",
            operations={
                "repair": Operation(
                    summary="Repair a damaged image",
                    query=queries.Repair,
                    types=(JSON,),
                    example={"seen": "iVBORw0KGgo…", "answers": ["iVBORw0KGgo…"], "spread": None},
                    upload=True,
                    about="What is wholly transparent in a PNG is hidden, and made anew; the rest stays, unless it is "
                    "noisy.",
                )
            },
            tab="repair",
            train="elmyr restorer train digits --out runs/restorer",
        ),
        "translator": ServedKind(
            file="translator.json",
            describe=_of_translator,
            work="elmyr.serving.translating:WORK",
            operations={
                "translate": Operation(
                    summary="Translate images into another domain",
                    query=queries.Translate,
                    types=(JSON, PNG, NPZ),
                    example={"direction": "a-to-b", "images": [{"answers": ["iVBORw0KGgo…"]}]},
                    upload=True,
                )
            },
            tab="translate",
            train="elmyr translator train digits-thin digits-thick --out runs/translator",
        ),
    },
)


def kinds_that(operation: str) -> list[str]:
    """The kinds that answer an operation."""
    return [kind for kind, served in SERVED.items() if operation in served.operations and not served.inside]
