"""What a served recognizer answers: classes, features, and the training images that are nearest."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import ElmyrError, InputError
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.serving.catalog import ServedModel, WorkerOptions
from elmyr.serving.http.answers import Answer, in_base64, json_answer, npz_answer, refusal
from elmyr.serving.http.http_errors import HTTPError
from elmyr.serving.http.limits import MOST_EXPLAINED, MOST_EXPLAINED_PIXELS, MOST_NEAREST_SHOWN
from elmyr.serving.http.uploads import decoded
from elmyr.serving.worker.models import KindWork, Opened
from elmyr.serving.worker.operations import Answering, Query, guarded, one_by_one
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.predicting.background import are_opposite
from elmyr.tasks.recognition.predicting.nearest import Nearest
from elmyr.tasks.recognition.predicting.predictions import PREPARATIONS
from elmyr.tasks.recognition.predicting.trained import KIND
from elmyr.tasks.recognition.sources import config_of, splits_of

DIGITS = 6  # of a probability
PATIENCE = 0.3  # seconds that the first question for nearest images waits: enough for small sets

Images = NDArray[np.uint8]


class OpenRecognizer(Opened):
    """A recognizer in memory, and its training images once they were asked for."""

    def __init__(self, served: ServedModel, recognizer: Recognizer, data_root: str | None) -> None:
        super().__init__(served, recognizer, [recognizer.net_])
        self._data_root = data_root
        self._preparing: threading.Thread | None = None
        self._nearest: Nearest | None = None
        self._refusal: str | None = None

    @property
    def nbytes(self) -> int:
        """What it takes of memory, about, with its training images."""
        return super().nbytes + (0 if self._nearest is None else self._nearest.nbytes)

    def nearest(self) -> Nearest | None:
        """What finds its training images; None while that is being prepared, which the first question begins.

        InputError where the training images are not to be had.
        """
        if self._preparing is None:
            # On the side: whoever only wants a picture recognized waits for nothing.
            self._preparing = threading.Thread(target=self._prepare, daemon=True)
            self._preparing.start()
            self._preparing.join(PATIENCE)
        if self._refusal is not None:
            raise InputError(self._refusal)
        return self._nearest

    def _prepare(self) -> None:
        try:
            run = RunDirectory(self.served.path.parent)
            if not run.config.is_file() or run.kind != KIND:
                raise InputError(f"'{self.served.name}' is no run: it does not say what it was trained on")
            self._nearest = Nearest(self.model, splits_of(config_of(run), self._data_root).train)
        except Exception as error:  # whatever it is: nobody is told for ever that it is being prepared
            if not isinstance(error, ElmyrError | OSError):
                traceback.print_exc()
            self._refusal = f"the training images of '{self.served.name}' are not available: {error}"


class Prepared(NamedTuple):
    """Images as a recognizer takes them, whether they came so, and whether one is on the ground opposite to theirs."""

    images: Images
    as_they_came: bool
    opposite: bool


def _open(served: ServedModel, options: WorkerOptions) -> OpenRecognizer:
    return OpenRecognizer(served, Recognizer.load(served.path, device=options.device), options.data_root)


def _together(read: Callable[[Recognizer, Images], NDArray[np.float64]], tell: Callable[..., Answer]) -> Answering:
    """All images of all requests are read at once; one that is no image refuses its own request alone."""

    def answered(opened: Opened, queries: Sequence[Query], bodies: Sequence[bytes]) -> list[Answer]:
        prepared = [_prepared(opened.model, query, body) for query, body in zip(queries, bodies, strict=True)]
        whole = [one.images for one in prepared if not isinstance(one, Answer)]
        rows = read(opened.model, np.concatenate(whole)) if whole else np.empty((0, 0))
        answers, start = [], 0
        for query, one in zip(queries, prepared, strict=True):
            if isinstance(one, Answer):
                answers.append(one)
                continue
            some = rows[start : start + len(one.images)]
            start += len(one.images)
            answers.append(guarded(tell, opened, query, one, some))
        return answers

    return answered


def _prepared(recognizer: Recognizer, query: Query, body: bytes) -> Prepared | Answer:
    form, preparation = recognizer.preparation_, PREPARATIONS[query.get("prepare") or "model"]
    try:
        wanted, values = preparation.least or form.size, preparation.values(form)
        pictures = [picture.pixels for picture in decoded(body, wanted, values)]
        images = np.stack([preparation.of_pixels(pixels, form=form) for pixels in pictures])
        images = preparation.on_ground(recognizer.ground_, images)
        as_they_came = preparation is PREPARATIONS["model"] and images.shape[1:] == pictures[0].shape
        return Prepared(images, as_they_came, opposite=bool(are_opposite(recognizer.ground_, images).any()))
    except InputError as error:
        return refusal(422, str(error))


def _told(opened: OpenRecognizer, query: Query, prepared: Prepared, probabilities: NDArray[np.float64]) -> Answer:
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
    if not prepared.as_they_came:
        for one, image in zip(told, prepared.images, strict=True):
            one["seen"] = in_base64(image)
        content["seen"] = told[0]["seen"]
    if prepared.opposite:
        content["opposite_ground"] = True
    if query.get("explain"):
        _add_maps(opened.model, prepared.images, probabilities.argmax(1), told)
    if query.get("nearest"):
        content["nearest_ready"] = _add_nearest(opened, query["nearest"], prepared.images, told)
    return json_answer(content)


def _changed(way: str) -> Answering:
    """What would change a prediction; loaded when it is first asked for, since only few ask and a reading waits."""

    def answered(opened: Opened, query: Query, body: bytes) -> Answer:
        from elmyr.serving.worker import changing

        return changing.WAYS[way](opened, query, body)

    return one_by_one(answered)


def _add_maps(recognizer: Recognizer, images: Images, read: NDArray[np.int64], told: list[dict[str, Any]]) -> None:
    if len(images) > MOST_EXPLAINED or images[..., 0].size > MOST_EXPLAINED_PIXELS:
        raise InputError(
            f"{len(images):,} images of {images.shape[1]}x{images.shape[2]} are too many to be explained at once: "
            f"at most {MOST_EXPLAINED} with {MOST_EXPLAINED_PIXELS:,} pixels"
        )
    from elmyr.tasks.recognition.attribution.mistaken import drawn_maps  # loaded when it is first asked for

    for one, drawn in zip(told, drawn_maps(recognizer, images, read), strict=True):
        one["map"] = in_base64(drawn)


def _add_nearest(opened: OpenRecognizer, count: int, images: Images, told: list[dict[str, Any]]) -> bool:
    if count * len(images) > MOST_NEAREST_SHOWN:
        raise InputError(
            f"{count} nearest beside each of {len(images):,} images are too many at once: together at most "
            f"{MOST_NEAREST_SHOWN:,}"
        )
    try:
        nearest = opened.nearest()
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
                "image": in_base64(np.asarray(known.images[place])),
            }
            for place, distance in zip(places, distances, strict=True)
        ]
    return True


def _embedded(opened: OpenRecognizer, query: Query, prepared: Prepared, features: NDArray[np.float64]) -> Answer:
    some = features.astype(np.float32)
    return npz_answer(features=some) if query.get("format") == "npz" else json_answer({"features": some.tolist()})


WORK = KindWork(
    _open,
    {
        "recognize": _together(Recognizer.predict_proba, _told),
        "embed": _together(Recognizer.features, _embedded),
        "counterfactual": _changed("counterfactual"),
        "fool": _changed("fool"),
    },
)
