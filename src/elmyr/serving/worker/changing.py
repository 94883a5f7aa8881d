"""What would change a recognizer's prediction: another image that a GAN makes, or a change that no eye sees."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.serving.http.answers import Answer, in_base64, json_answer
from elmyr.serving.http.uploads import decoded_one
from elmyr.serving.worker.models import Opened
from elmyr.serving.worker.operations import Query
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.attacks.fab import nearest_misread
from elmyr.tasks.recognition.attacks.seam import logits_of
from elmyr.tasks.recognition.attribution.drawing import colored
from elmyr.tasks.recognition.counterfactuals import find_counterfactuals
from elmyr.tasks.recognition.predicting.predictions import PREPARATIONS

STEPS = 40  # of the attack
FAINT = 1 / 255  # the largest change that is drawn as strong as none


def counterfactual(opened: Opened, query: Query, body: bytes) -> Answer:
    """The nearest image that a served GAN makes and that is read as another class."""
    recognizer: Recognizer = opened.model
    gan = None if opened.beside is None else opened.beside.of_name(str(query["gan"]))
    if gan is None or not isinstance(gan.model, GAN):
        raise InputError(f"'{query['gan']}' is no GAN that is served here: /v1/models names them")
    seen = _seen(recognizer, query, body)
    found = find_counterfactuals(recognizer, gan.model, seen[None], target=query.get("class"))
    return json_answer(
        {
            **{key: value for key, value in found.as_json(["image"])[0].items() if key != "image"},
            "seen": in_base64(seen),
            "found": in_base64(np.asarray(found.found[0])),
            "difference": in_base64(_difference(np.asarray(found.found[0]), seen, scale=1.0)),
        }
    )


def fool(opened: Opened, query: Query, body: bytes) -> Answer:
    """The nearest image at all that is read as another class: the second most likely one (FAB, Croce & Hein 2020)."""
    recognizer: Recognizer = opened.model
    seen = _seen(recognizer, query, body)
    names = recognizer.trained().names
    if len(names) < 2:
        raise InputError("this recognizer knows one class alone: there is no other to be read as")
    second, first = np.argsort(np.asarray(recognizer.predict_proba(seen[None]))[0])[-2:]
    units = torch.from_numpy(seen[None]).permute(0, 3, 1, 2).float() / 255
    labels, targets = torch.tensor([int(first)]), torch.tensor([int(second)])
    changed = nearest_misread(logits_of(recognizer), units, labels, targets, norm="L2", steps=STEPS)
    if not changed.isfinite().all():
        raise InputError(f"no small change was found that makes this recognizer read anything but {names[first]}")
    fooled = (255 * changed).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()[0]
    probabilities = np.asarray(recognizer.predict_proba(fooled[None]))[0]
    becomes = int(probabilities.argmax())
    apart = (fooled.astype(np.float64) - seen) / 255
    return json_answer(
        {
            "read": names[first],
            "becomes": names[becomes],
            "probability": float(probabilities[becomes]),
            "distance": float(np.sqrt(np.square(apart).sum())),
            "largest_change": float(abs(apart).max()),
            "seen": in_base64(seen),
            "found": in_base64(fooled),
            "difference": in_base64(_difference(fooled, seen, scale=max(float(abs(apart).max()), FAINT))),
        }
    )


def _seen(recognizer: Recognizer, query: Query, body: bytes) -> NDArray[np.uint8]:
    """The image as the recognizer takes it."""
    form, preparation = recognizer.preparation_, PREPARATIONS[query.get("prepare") or "model"]
    picture = decoded_one(body, preparation.values(form))
    prepared = preparation.of_pixels(picture.pixels, form=form)
    return np.require(preparation.on_ground(recognizer.ground_, prepared[None])[0], requirements=["C", "W"])


def _difference(image: NDArray[np.uint8], before: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """What was added in red and what was taken away in blue, uint8 (H, W, 3); `scale` is as strong as can be."""
    return colored(np.clip((image.astype(np.float64) - before).mean(-1) / 255 / scale, -1, 1))


WAYS = {"counterfactual": counterfactual, "fool": fool}
