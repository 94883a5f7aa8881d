"""What a served GAN answers: images, and the way from one to another."""

from __future__ import annotations

import math

import numpy as np

from elmyr.images import ImageSet, image_grid
from elmyr.serving.catalog import ServedModel, WorkerOptions
from elmyr.serving.http.answers import Answer, in_base64, json_answer, npz_answer, png_answer
from elmyr.serving.worker.models import KindWork, Opened
from elmyr.serving.worker.operations import Query, one_by_one
from elmyr.tasks.gan.editing import between
from elmyr.tasks.gan.model import GAN


def _open(served: ServedModel, options: WorkerOptions) -> Opened:
    gan = GAN.load(served.path, device=options.device, precision=options.precision)
    return Opened(served, gan, [gan.generator, gan.discriminator])


def _generate(opened: Opened, query: Query, body: bytes) -> Answer:
    gan: GAN = opened.model
    label, count = query.get("class"), int(query["count"])
    # With no class asked for they take turns, as in every picture that elmyr shows.
    images = gan.sample(count, label=label, balanced=True, truncation=query["truncation"], seed=query["seed"])
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


WORK = KindWork(_open, {"generate": one_by_one(_generate), "between": one_by_one(_between)})
