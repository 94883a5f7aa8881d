"""Images that a run is judged by, which nothing that it learns from may have been trained on."""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.core.notes import kept_notes
from elmyr.engine.config import DataConfig
from elmyr.images import ImageSet, Pixels

BY_CHANCE = 0.01  # of the test images: image sets hold some images twice


def refuse_known(test: ImageSet, theirs: DataConfig, option: str) -> None:
    """InputError where what an option names was trained on images of this test part, in another file or folder.

    Nothing is said where its images are not there any more, or have another form.
    """
    known = _images_of(theirs)
    if known is None or known.shape[1:] != test.images.shape[1:]:
        return
    marks = {mark(image) for image in known}
    shared = sum(mark(image) in marks for image in test.images)
    if shared > BY_CHANCE * len(test):
        raise InputError(
            f"{option} was trained on '{theirs.name}', which holds {shared:,} of the {len(test):,} images that this "
            "run is judged by: give the --seed of the split that they were taken from"
        )


def mark(image: NDArray[np.uint8]) -> bytes:
    """What tells images apart, as equal bytes for equal pixels."""
    return blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()


def _images_of(data: DataConfig) -> Pixels | None:
    with suppress(InputError), kept_notes():
        return data.opened().train.images
    return None
