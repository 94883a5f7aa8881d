"""What a command explains: the model of a run, and the images that are given, in the form that it takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.engine.saving.places import (
    CONFIG,
    GAN_KIND,
    MODEL,
    STUDY_KIND,
    Run,
    kind_of,
    place_of,
    run_path,
    with_article,
)
from elmyr.images import Pixels
from elmyr.images.decode.encoded import shown
from elmyr.tasks.gan.checkpoints import open_gan
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.predicting.given import Given
from elmyr.tasks.recognition.predicting.predictions import Prepare, looks, preparation_named
from elmyr.tasks.recognition.predicting.trained import KIND, Trained, open_trained, preparation_of

MOST = 2_000  # images


def open_explained(name: Run, *, device: str = "auto") -> Trained | GAN:
    """The recognizer or the GAN of a run or a saved folder; InputError for a run of another kind."""
    place = Path(place_of(name))
    if not (place / CONFIG).is_file() and any((folder / "gan.json").is_file() for folder in (place, place / MODEL)):
        return GAN.load(name, device=device)
    if any((folder / "recognizer.json").is_file() for folder in (place, place / MODEL)):
        return open_trained(name, device=device)
    path = run_path(name)
    kind = kind_of(path)
    if kind == GAN_KIND:
        return open_gan(name, device=device)
    if kind not in (KIND, STUDY_KIND):
        raise InputError(
            f"'{path}' is {with_article(kind)}, which has no classes to explain: give a recognizer or a GAN"
        )
    return open_trained(name, device=device)


def images_for(model: Trained | GAN, given: Iterable[Given], prepare: Prepare = "model") -> tuple[Pixels, list[str]]:
    """Images uint8 (N, H, W, C) in the form that a model takes, and their names; what cannot be read is told of.

    InputError where none can be read, and for more than 2,000 images.
    """
    if isinstance(model, GAN):
        config = model.config
        folder = (model.path or Path()) / MODEL
        form, ground = preparation_of({}, folder, (config.height, config.width, config.channels)), None
    else:
        form, ground = model.preparation, model.ground
    pixels, names = [], list[str]()
    given = list(given)
    if (count := sum(len(part.names) for part in given)) > MOST:
        raise InputError(f"{count:,} images are given, and at most {MOST:,} are explained at once: choose by --limit")
    for look in looks(form, ground, given, preparation_named(prepare)):
        for name, damage in zip(look.names, look.damage, strict=True):
            if damage is None:
                names.append(name)
            else:
                note(f"'{shown(name)}' is passed over: {damage}")
        pixels += [] if look.pixels is None else [look.pixels]
    if not pixels:
        raise InputError("none of the images can be read: give others")
    return np.concatenate(pixels), names
