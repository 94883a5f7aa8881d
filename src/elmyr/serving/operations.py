"""What the worker does with a model: recognize, embed, generate, walk, repair; an answer for each request."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from elmyr.editing import between
from elmyr.errors import InputError
from elmyr.gan import GAN
from elmyr.images import ImageSet, image_grid
from elmyr.recognition import Recognizer
from elmyr.recognition.grounds import are_opposite
from elmyr.recognition.predictions import PREPARATIONS
from elmyr.restoration import Restorer, corrupt, restore_noisy
from elmyr.serving.batching import Answer
from elmyr.serving.http_errors import HTTPError
from elmyr.serving.limits import MOST_NEAREST_SHOWN, MOST_REPAIRED
from elmyr.serving.models import Gone, Models, Opened
from elmyr.serving.pictures import png_of
from elmyr.serving.uploads import decoded, decoded_one, in_channels

JSON, PNG, NPZ = "application/json", "image/png", "application/zip"
DIGITS = 6  # of a probability
SPREAD = 2  # levels of gray for one level of deviation

Query = Mapping[str, Any]
Images = NDArray[np.uint8]


class Seen(NamedTuple):
    """Images as a recognizer takes them, whether they came so, and whether one is on the ground opposite to theirs."""

    images: Images
    as_they_came: bool
    opposite: bool


def answer_together(
    models: Models, name: str, operation: str, queries: Sequence[Query], bodies: Sequence[bytes]
) -> list[Answer]:
    """The answers to requests of one kind to one model, each as if it had come alone."""
    kind, work = OPERATIONS[operation]
    try:
        opened = models[name]
    except Gone as error:
        return [refusal(410, str(error))] * len(queries)
    if opened.served.kind != kind:
        message = f"'{name}' is a {opened.served.kind}, which does not {operation}: ask a {kind}"
        return [refusal(422, message)] * len(queries)
    return work(models, opened, queries, bodies)


def refusal(status: int, message: str) -> Answer:
    """An answer that says what is wrong."""
    return _json({"error": message}, status)


def _each(work: Callable[[Models, Opened, Query, bytes], Answer]) -> Callable[..., list[Answer]]:
    """Requests that are answered one after the other."""

    def answered(models: Models, opened: Opened, queries: Sequence[Query], bodies: Sequence[bytes]) -> list[Answer]:
        return [_guarded(work, models, opened, query, body) for query, body in zip(queries, bodies, strict=True)]

    return answered


def _guarded(work: Callable[..., Answer], *given: Any) -> Answer:
    try:
        return work(*given)
    except InputError as error:
        return refusal(422, str(error))
    except HTTPError as error:
        return refusal(error.status, error.message)


def _together(
    read: Callable[[Recognizer, Images], NDArray[np.float64]], tell: Callable[..., Answer]
) -> Callable[..., list[Answer]]:
    """All images of all requests are read at once; one that is no image refuses its own request alone."""

    def answered(models: Models, opened: Opened, queries: Sequence[Query], bodies: Sequence[bytes]) -> list[Answer]:
        seen = [_seen(opened, query, body) for query, body in zip(queries, bodies, strict=True)]
        whole = [one.images for one in seen if not isinstance(one, Answer)]
        rows = read(opened.model, np.concatenate(whole)) if whole else np.empty((0, 0))
        answers, start = [], 0
        for query, one in zip(queries, seen, strict=True):
            if isinstance(one, Answer):
                answers.append(one)
                continue
            some = rows[start : start + len(one.images)]
            start += len(one.images)
            answers.append(_guarded(tell, models, opened, query, one, some))
        return answers

    return answered


def _told(models: Models, opened: Opened, query: Query, seen: Seen, probabilities: NDArray[np.float64]) -> Answer:
    classes = tuple(map(str, opened.model.classes_.tolist()))  # as it is now: it may have been trained again
    told: list[dict[str, Any]] = []
    for row in probabilities:
        best = int(row.argmax())
        rounded = [round(float(value), DIGITS) for value in row]
        told.append(
            {
                "label": classes[best],
                "probability": rounded[best],
                "probabilities": dict(zip(classes, rounded, strict=True)),
            }
        )
    content: dict[str, Any] = {"images": told}
    if not seen.as_they_came:
        for one, image in zip(told, seen.images, strict=True):
            one["seen"] = _base64(image)
        content["seen"] = told[0]["seen"]
    if seen.opposite:
        content["opposite_ground"] = True
    if query.get("nearest"):
        content["nearest_ready"] = _add_nearest(models, opened, query["nearest"], seen.images, told)
    return _json(content)


def _add_nearest(models: Models, opened: Opened, count: int, images: Images, told: list[dict[str, Any]]) -> bool:
    if count * len(images) > MOST_NEAREST_SHOWN:
        raise InputError(
            f"{count} nearest beside each of {len(images):,} images are too many at once: together at most "
            f"{MOST_NEAREST_SHOWN:,}"
        )
    try:
        nearest = opened.nearest(models.options.data_root)
    except InputError as error:
        raise HTTPError(409, str(error)) from None
    if nearest is None:
        for one in told:
            one["nearest"] = []
        return False
    found, known = nearest(images, count), nearest.images
    for one, places, distances in zip(told, found.places.tolist(), found.distances.tolist(), strict=True):
        one["nearest"] = [
            {
                "label": None if known.labels is None else known.classes[known.labels[place]],
                "distance": round(distance, 4),
                "image": _base64(np.asarray(known.images[place])),
            }
            for place, distance in zip(places, distances, strict=True)
        ]
    return True


def _seen(opened: Opened, query: Query, body: bytes) -> Seen | Answer:
    """The images as the recognizer takes them."""
    recognizer: Recognizer = opened.model
    form, preparation = recognizer.preparation_, PREPARATIONS[query.get("prepare") or "model"]
    try:
        wanted, values = preparation.least or form.size, preparation.values(form)
        pictures = [picture.pixels for picture in decoded(body, wanted, values)]
        images = np.stack([preparation.of_pixels(pixels, form=form) for pixels in pictures])
        images = preparation.on_ground(recognizer.ground_, images)
        as_they_came = preparation is PREPARATIONS["model"] and images.shape[1:] == pictures[0].shape
        return Seen(images, as_they_came, opposite=bool(are_opposite(recognizer.ground_, images).any()))
    except InputError as error:
        return refusal(422, str(error))


def _embedded(models: Models, opened: Opened, query: Query, seen: Seen, features: NDArray[np.float64]) -> Answer:
    some = features.astype(np.float32)
    return _npz(features=some) if query.get("format") == "npz" else _json({"features": some.tolist()})


def _generate(models: Models, opened: Opened, query: Query, body: bytes) -> Answer:
    gan: GAN = opened.model
    label, count = query.get("class"), int(query["count"])
    # With no class asked for they take turns, as in every picture that elmyr shows.
    images = gan.sample(count, label=label, balanced=True, truncation=query["truncation"], seed=query["seed"])
    kinds = len(gan.config.classes)
    columns = min(count, kinds) if label is None and kinds else math.ceil(math.sqrt(count))
    return _shown(images, query["format"], columns)


def _between(models: Models, opened: Opened, query: Query, body: bytes) -> Answer:
    gan: GAN = opened.model
    images = between(
        gan,
        from_seed=query["from_seed"],
        to_seed=query["to_seed"],
        from_class=query.get("from_class"),
        to_class=query.get("to_class"),
        steps=query["steps"],
    )
    return _shown(images, query["format"], len(images))


def _repair(models: Models, opened: Opened, query: Query, body: bytes) -> Answer:
    restorer: Restorer = opened.model
    picture, answers, noise = decoded_one(body), int(query["answers"]), float(query["noise"])
    if picture.clear.size * (answers + 1) > MOST_REPAIRED:
        height, width = picture.clear.shape
        raise InputError(
            f"{answers} answers of {height}x{width} are too much at once: together at most {MOST_REPAIRED:,} pixels"
        )
    hidden = picture.clear[None] if picture.clear.any() else None
    seen = in_channels(picture, restorer.channels_)[None]
    asked: dict[str, int] = {"answers": answers, "seed": query["seed"]}
    if noise:
        seen = corrupt(seen, f"noise:{noise:.6f}", seed=query["seed"]).images
        repair = restore_noisy(restorer, seen, hidden, **asked)
    else:
        repair = restorer.restore(seen, hidden, **asked)
    shown = np.where(picture.clear[..., None], 0, seen[0]).astype(np.uint8)
    several = repair.answers[:, 0] if answers > 1 else repair.images
    content = {"seen": _base64(shown), "answers": [_base64(image) for image in several], "spread": None}
    if answers > 1:
        levels = np.rint(np.minimum(SPREAD * repair.uncertainty[0], 255)).astype(np.uint8)
        content["spread"] = _base64(levels[..., None])
    return _json(content)


def _shown(images: ImageSet, form: str, columns: int) -> Answer:
    pixels = images.in_memory()
    labels = [None] * len(images) if images.labels is None else [images.classes[label] for label in images.labels]
    if form == "png":
        return Answer(200, PNG, png_of(image_grid(pixels, columns)))
    if form == "npz":
        named = {} if images.labels is None else {"labels": images.labels, "classes": np.array(images.classes)}
        return _npz(images=pixels, **named)
    told = [{"label": label, "image": _base64(image)} for label, image in zip(labels, pixels, strict=True)]
    return _json({"images": told})


def _base64(image: Images) -> str:
    return base64.b64encode(png_of(image)).decode("ascii")


def _json(content: Any, status: int = 200) -> Answer:
    return Answer(status, JSON, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _npz(**arrays: NDArray[Any]) -> Answer:
    buffer = BytesIO()
    np.savez_compressed(buffer, **cast(Any, arrays))
    return Answer(200, NPZ, buffer.getvalue())


OPERATIONS: dict[str, tuple[str, Callable[..., list[Answer]]]] = {
    "recognize": ("recognizer", _together(Recognizer.predict_proba, _told)),
    "embed": ("recognizer", _together(Recognizer.features, _embedded)),
    "generate": ("gan", _each(_generate)),
    "between": ("gan", _each(_between)),
    "repair": ("restorer", _each(_repair)),
}
