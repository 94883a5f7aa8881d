"""What a command explains: the model of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from elmyr.core.errors import InputError
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
from elmyr.tasks.gan.checkpoints import open_gan
from elmyr.tasks.gan.model import GAN
from elmyr.tasks.recognition.predicting.trained import KIND, Trained, open_trained


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


def require_gan(model: Trained | GAN, name: Run, *, of_images: Mapping[str, bool]) -> GAN:
    """The model, a GAN; InputError, where no images are given, for a recognizer, and for options that are of images."""
    if not isinstance(model, GAN):
        raise InputError(f"a recognizer is explained by images: elmyr explain {name} IMAGES")
    asked = [option for option, is_asked in of_images.items() if is_asked]
    if asked:
        raise InputError(f"{asked[0]} is of images, and none are given: elmyr explain {name} IMAGES {asked[0]}")
    return model


def target_of(model: Trained | GAN, target: str | None, classes: Sequence[str] | None) -> str | Sequence[str] | None:
    """The class that is asked for; else, of a discriminator that is given the class, those that the images are labeled.

    A discriminator compares images within a class: of which class one is most real says nothing of it.
    """
    if target is not None or not isinstance(model, GAN) or classes is None or not model.config.projection:
        return target
    return classes if set(classes) <= set(model.config.classes) else None
