"""Configs of runs that an elmyr of before wrote, in the shape of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMAT = 2  # of a run's config.json; 1 had neither a kind for GANs nor a course for the others
KINDS_WITH_COURSE = ("recognizer", "restorer", "translator")


def in_todays_shape(config: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a `config.json` of any format; what is no config stays as it is, and is refused where it is read.

    The course of a recognizer, a restorer or a translator follows from its budget, as it did when it was trained.
    """
    content = dict(config)
    if "format" in content or content.get("kind") in ("study", "adaptation"):
        return content
    content["kind"] = str(content.get("kind", "gan")).lower()
    try:
        if content["kind"] == "recognizer":
            parameters = dict(content["parameters"])
            content["loop"] = _course_of_recognizer(parameters, content.get("validate_on_split", True))
            content |= {name: parameters[name] for name in ("seed", "device", "precision")}
        elif content["kind"] in KINDS_WITH_COURSE:
            content["loop"] = _course(content.pop("images"), content["choices"])
    except (KeyError, TypeError, ValueError):
        return content
    return content | {"format": FORMAT}


def _course(images: int, choices: Mapping[str, Any]) -> dict[str, Any]:
    batch = choices["batch"]
    every = max(batch, images // 10)
    return {
        "images": images,
        "batch": batch,
        "decay_from": choices["decay_from"],
        "log_every": max(batch, images // 50),
        "preview_every": every,
        "checkpoint_every": every,
    }


def _course_of_recognizer(parameters: Mapping[str, Any], validated: bool) -> dict[str, Any]:
    batch = parameters["batch"]
    images = parameters["updates"] * batch
    every = max(batch, images // 10)
    return {
        "images": images,
        "batch": batch,
        "decay_from": 0.2,
        "log_every": every,
        "preview_every": images,
        "checkpoint_every": every,
        "watch_every": max(batch, images // 20) if validated else 0,
    }
