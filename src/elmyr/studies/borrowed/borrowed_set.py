"""The set that a study borrows from: opened in the form of the study's images, and what is refused."""

from __future__ import annotations

import os

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from elmyr.core.errors import InputError
from elmyr.images import Data, ImageSet, Shaping, Source, lasting_name, open_source, source_of
from elmyr.tasks.variation.groups import FEWEST

FEWEST_CLASSES = 2
OF_FORM = ("size", "fit", "channels")
Root = str | os.PathLike[str] | None


class Borrowed(BaseModel):
    """A set to borrow from, as a study's config has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="a known name, or an absolute path")
    shaping: Shaping = Field(description="the form that its images are brought into")
    digest: str = Field(description="sha256 of its training images")


def borrowed_from(data: Data, study: Source, data_root: Root = None) -> tuple[Borrowed, ImageSet]:
    """The set that `--borrow` names and its training images, in the form that was asked of the study's.

    Raises InputError where these are of another form, without labels, or of fewer than two classes with three images.
    """
    name = lasting_name(source_of(data))
    shaping = study.shaping.only(*OF_FORM)
    images = open_source(name, data_root, shaping).train
    if images.labels is None:
        raise InputError(f"'{images.name}', which --borrow names, has no labels: name a set with classes")
    counts = np.bincount(images.require_labels(), minlength=len(images.classes))
    if (many := int((counts >= FEWEST).sum())) < FEWEST_CLASSES:
        told = "has one class" if many == 1 and len(images.classes) == 1 else f"has {many} classes with {FEWEST} images"
        raise InputError(
            f"'{images.name}', which --borrow names, {told}: name a set of {FEWEST_CLASSES} or more, with {FEWEST} or "
            "more images each"
        )
    theirs, ours = images.images.shape[1:], study.train.images.shape[1:]
    if theirs != ours:
        raise InputError(
            f"'{images.name}', which --borrow names, has images {_form(theirs)}, '{study.name}' {_form(ours)}: shape "
            f"both, such as with --size {ours[0]} --channels {ours[2]}"
        )
    return Borrowed(source=name, shaping=shaping, digest=images.digest()), images


def opened_again(borrowed: Borrowed, data_root: Root = None) -> ImageSet:
    """The images that a study began to borrow from; InputError where they are others, or not there any more."""
    if os.path.isabs(borrowed.source) and not os.path.exists(borrowed.source):
        raise InputError(f"the set that is borrowed from is not at '{borrowed.source}' any more: put it there again")
    images = open_source(borrowed.source, data_root, borrowed.shaping).train
    if images.digest() != borrowed.digest:
        raise InputError(f"'{borrowed.source}', which is borrowed from, is not what it was: restore it, or start again")
    return images


def _form(shape: tuple[int, ...]) -> str:
    height, width, channels = shape
    return f"{height}x{width} {'gray' if channels == 1 else 'RGB'}"
