"""What is judged: a run, by its path or by what knows it, or generated images wherever they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from elmyr.engine.saving.places import CONFIG, LATEST, place_of
from elmyr.evaluation.paired_samples import check_exists
from elmyr.images import AS_BYTES, ImageSet, load_images
from elmyr.tasks.gan.model import GAN

Subject = Any  # a run, a GAN, or images as `load_images` takes them


def is_run(subject: Subject) -> bool:
    """Whether it is a run: "latest", a run's directory, what training returned, or a GAN that was loaded from a run."""
    if isinstance(subject, str | os.PathLike):
        return os.fspath(subject) == LATEST or (Path(subject) / CONFIG).is_file()
    return isinstance(getattr(subject, "path", None), Path)


def name_of(subject: Subject) -> str:
    """What it is called in figures and messages."""
    if isinstance(subject, str | os.PathLike) or is_run(subject):
        return place_of(subject)
    return str(getattr(subject, "name", "GAN" if isinstance(subject, GAN) else "images"))


def images_of(subject: Subject, data_root: str | os.PathLike[str] | None = None) -> ImageSet:
    """The images of a subject that is no run; InputError where there are none."""
    if isinstance(subject, str | os.PathLike):
        check_exists(os.fspath(subject))
    return load_images(subject, data_root=data_root, shaping=AS_BYTES)
