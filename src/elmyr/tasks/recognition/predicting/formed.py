"""The images that are given to be looked at, in the form that a model takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.engine.saving.places import MODEL
from elmyr.images import Pixels
from elmyr.images.decode.encoded import shown
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.predicting.background import are_opposite, told_of_opposite
from elmyr.tasks.recognition.predicting.given import Given
from elmyr.tasks.recognition.predicting.predictions import Prepare, looks, preparation_named
from elmyr.tasks.recognition.predicting.trained import Trained, preparation_of

MOST = 2_000  # images


class Formed(NamedTuple):
    """Images uint8 (N, H, W, C), their files or numbers, and the names of their classes, None where they have none."""

    pixels: Pixels
    files: list[str]
    classes: list[str] | None


def images_for(model: Trained | GAN, given: Iterable[Given], prepare: Prepare = "model") -> Formed:
    """Images in the form that a model takes; what cannot be read is told of.

    InputError where none can be read, and for more than 2,000 images.
    """
    if isinstance(model, GAN):
        config = model.config
        folder = (model.path or Path()) / MODEL
        form, ground = preparation_of({}, folder, (config.height, config.width, config.channels)), None
    else:
        form, ground = model.preparation, model.ground
    pixels, files, classes = [], list[str](), list[str | None]()
    given = list(given)
    if (count := sum(len(part.names) for part in given)) > MOST:
        raise InputError(f"{count:,} images are given, and at most {MOST:,} are looked at in one go: choose by --limit")
    labels = _classes(given)
    for look in looks(form, ground, given, preparation_named(prepare)):
        for file, damage in zip(look.names, look.damage, strict=True):
            label = next(labels)
            if damage is None:
                files.append(file)
                classes.append(label)
            else:
                note(f"'{shown(file)}' is passed over: {damage}")
        pixels += [] if look.pixels is None else [look.pixels]
    if not pixels:
        raise InputError("none of the images can be read: give others")
    formed = np.concatenate(pixels)
    if opposite := int(are_opposite(ground, formed).sum()):
        note(told_of_opposite(opposite, len(formed), ground))
    named = [name for name in classes if name is not None]
    return Formed(formed, files, named if len(named) == len(files) else None)


def _classes(given: Sequence[Given]) -> Iterator[str | None]:
    for part in given:
        labels, classes = part.images.labels, part.images.classes
        for place in range(len(part.names)):
            yield None if labels is None or labels[place] < 0 else classes[labels[place]]
