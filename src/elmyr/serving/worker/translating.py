"""What a served translator answers: images of one domain as images of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images import image_grid
from elmyr.serving.catalog import ServedModel, WorkerOptions
from elmyr.serving.http.answers import Answer, in_base64, json_answer, npz_answer, png_answer
from elmyr.serving.http.limits import MOST_TRANSLATED
from elmyr.serving.http.uploads import decoded, in_channels
from elmyr.serving.worker.models import KindWork, Opened
from elmyr.serving.worker.operations import Query, one_by_one
from elmyr.tasks.translation import A_TO_B, Translator

Images = NDArray[np.uint8]


def _open(served: ServedModel, options: WorkerOptions) -> Opened:
    translator = Translator.load(served.path, device=options.device, precision=options.precision)
    return Opened(served, translator, list(translator.nets_.values()))


def _translate(opened: Opened, query: Query, body: bytes) -> Answer:
    translator: Translator = opened.model
    direction, answers = query["direction"], int(query["answers"])
    translator.require_direction(direction)
    of = opened.range_of("a" if direction == A_TO_B else "b")
    pictures = decoded(body, of=of)
    seen = np.stack([in_channels(picture, translator.channels_) for picture in pictures])
    images, examples = _parted(seen, int(query["examples"]))
    if answers > 1 and not translator.choices.styled:
        raise InputError("this translator has one answer to an image: leave out answers, or train it styled")
    if images[..., 0].size * answers > MOST_TRANSLATED:
        count, height, width = images.shape[:3]
        raise InputError(
            f"{answers} answers to {count:,} images of {height}x{width} are too much at once: together at most "
            f"{MOST_TRANSLATED:,} pixels"
        )
    made = translator.translate(
        np.repeat(images, answers, axis=0), direction, examples=examples, seed=int(query["seed"])
    )
    of_each = made.reshape(len(images), answers, *made.shape[1:])
    if query["format"] == "png":
        return png_answer(image_grid(made, answers if answers > 1 else min(len(made), 10)))
    if query["format"] == "npz":
        return npz_answer(images=of_each if answers > 1 else made)
    told: list[dict[str, Any]] = [{"answers": [in_base64(image) for image in several]} for several in of_each]
    if seen.shape[-1] != pictures[0].pixels.shape[-1]:
        told = [one | {"seen": in_base64(image)} for one, image in zip(told, images, strict=True)]
    return json_answer({"direction": direction, "images": told})


def _parted(images: Images, examples: int) -> tuple[Images, Images | None]:
    """The images to translate, and those at the end that show the style."""
    if not examples:
        return images, None
    if examples >= len(images):
        raise InputError(f"{examples} of the {len(images)} images are examples: send those to translate before them")
    return images[:-examples], images[-examples:]


WORK = KindWork(_open, {"translate": one_by_one(_translate)})
