"""What a served GAN answers: images, the way from one to another, and edits of images that are sent."""

from __future__ import annotations

import math
from collections import OrderedDict
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.images import ImageSet, Shaping, image_grid
from elmyr.serving.catalog import ServedModel, WorkerOptions
from elmyr.serving.http.answers import Answer, in_base64, json_answer, npz_answer, png_answer
from elmyr.serving.http.uploads import decoded_one, in_channels
from elmyr.serving.worker.models import KindWork, Opened
from elmyr.serving.worker.operations import Query, one_by_one
from elmyr.tasks.gan.directions import FILE, Directions
from elmyr.tasks.gan.editing import Latents, between, find_latents
from elmyr.tasks.gan.editing.search import Bank, bank_of
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.gan.sampling.moves import Changes, amounts_of
from elmyr.tasks.recognition.predicting.predictions import preparation_named

KEPT = 16  # images whose latents are known, so that a slider asks for no new search


class OpenedGAN(Opened):
    """A GAN in memory, with what edits need again and again."""

    model: GAN

    def __init__(self, served: ServedModel, gan: GAN) -> None:
        super().__init__(served, gan, [gan.generator, gan.discriminator])
        self._bank: Bank | None = None
        self._latents: OrderedDict[str, Latents] = OrderedDict()
        self._directions: tuple[int, Directions] | None = None

    @property
    def nbytes(self) -> int:
        """With the samples that a search begins at."""
        return super().nbytes + (0 if self._bank is None else self._bank.images.nbytes)

    def changes(self, move: str | None) -> Changes | None:
        """What moves latents by words such as "thickness=1.5,slant=-1"; InputError as the command has it."""
        amounts = amounts_of([word for word in (move or "").split(",") if word.strip()], "move")
        if not any(amounts.values()) or self.model.path is None:
            return None
        place = self.model.path / FILE
        stamp = place.stat().st_mtime_ns if place.is_file() else 0
        if self._directions is None or self._directions[0] != stamp:
            self._directions = stamp, Directions.load(self.model.path, gan=self.model)
        return self._directions[1].by(amounts)

    def latents_of(self, image: NDArray[np.uint8], shown: str | None) -> Latents:
        """Those of an image uint8 (H, W, C) of the GAN's own size, found anew or known from a question before."""
        key = sha256(image.tobytes() + repr(shown).encode()).hexdigest()
        found = self._latents.pop(key, None)
        if found is None:
            self._bank = self._bank or bank_of(self.model, 0)
            found = find_latents(self.model, image[None], shown, bank=self._bank)
        self._latents[key] = found
        if len(self._latents) > KEPT:
            self._latents.popitem(last=False)
        return found


def _open(served: ServedModel, options: WorkerOptions) -> OpenedGAN:
    return OpenedGAN(served, GAN.load(served.path, device=options.device, precision=options.precision))


def _generate(opened: Opened, query: Query, body: bytes) -> Answer:
    assert isinstance(opened, OpenedGAN)
    gan, move = opened.model, opened.changes(query.get("move"))
    label, count = query.get("class"), int(query["count"])
    # With no class asked for they take turns, as in every picture that elmyr shows.
    which = {"label": label, "balanced": True, "truncation": query["truncation"], "seed": query["seed"]}
    images = gan.sample(count, **which, move=move)
    kinds = len(gan.config.classes)
    columns = min(count, kinds) if label is None and kinds else math.ceil(math.sqrt(count))
    return _shown(images, query["format"], columns)


def _between(opened: Opened, query: Query, body: bytes) -> Answer:
    images = between(
        opened.model,
        from_seed=query["from_seed"],
        to_seed=query["to_seed"],
        from_class=query.get("from_class"),
        to_class=query.get("to_class"),
        steps=query["steps"],
    )
    return _shown(images, query["format"], len(images))


def _edit(opened: Opened, query: Query, body: bytes) -> Answer:
    assert isinstance(opened, OpenedGAN)
    gan, move = opened.model, opened.changes(query.get("move"))
    config = gan.config
    pixels = in_channels(decoded_one(body, opened.range_of()), config.channels)
    form = Shaping(size=(config.height, config.width), channels=config.channels)
    image = np.asarray(preparation_named(query["prepare"]).of_pixels(pixels, form=form))
    found = opened.latents_of(image, query.get("from_class"))
    shown = None if found.labels is None else config.classes[int(found.labels[0])]
    content: dict[str, Any] = {
        "class": shown,
        "error": float(found.errors[0]),
        "seen": in_base64(image),
        "nearest": in_base64(found.images[0]),
        "edited": in_base64(found.edited(move=move, label=query.get("class"))[0]),
    }
    if query["every"]:
        each = zip(config.classes, found.every_class(move=move)[0], strict=True)
        content["every"] = [{"label": label, "image": in_base64(made)} for label, made in each]
    return json_answer(content)


def _shown(images: ImageSet, form: str, columns: int) -> Answer:
    pixels = images.in_memory()
    if form == "png":
        return png_answer(image_grid(pixels, columns))
    if form == "npz":
        named = {} if images.labels is None else {"labels": images.labels, "classes": np.array(images.classes)}
        return npz_answer(images=pixels, **named)
    labels = [None] * len(images) if images.labels is None else [images.classes[label] for label in images.labels]
    told = [{"label": label, "image": in_base64(image)} for label, image in zip(labels, pixels, strict=True)]
    return json_answer({"images": told})


WORK = KindWork(_open, {"generate": one_by_one(_generate), "between": one_by_one(_between), "edit": one_by_one(_edit)})
