"""Images of a study that are in the set that it borrows from, too: what judges must not have been learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Source, Splits
from elmyr.images.oddities.near import near_others
from elmyr.images.oddities.traces import Tracer, Traces

NAMED = 3


def refuse_shared(source: Source, borrowed: ImageSet, splits: Sequence[Splits]) -> None:
    """InputError where test or validation images of a split are in the borrowed set, as they are or nearly."""
    shared = _shared(source, borrowed)
    for split in splits if shared else ():
        for part, images in (("test", split.test), ("validation", split.validation)):
            found = [
                f"{part} image {place} is its image {shared[key]}"
                for place, image in enumerate(images.images)
                if (key := image.tobytes()) in shared
            ]
            if found:
                raise InputError(
                    f"'{borrowed.name}', which --borrow names, has {len(found)} of the {part} images of "
                    f"'{source.name}', as they are or nearly, with seed {split.seed} ({'; '.join(found[:NAMED])}"
                    f"{' …' if len(found) > NAMED else ''}): remove them there, or pass --allow-duplicates"
                )


def _shared(source: Source, borrowed: ImageSet) -> dict[bytes, int]:
    """The study's images that are in the borrowed set, and where they are there."""
    known = _traces(borrowed)
    found: dict[bytes, int] = {}
    for images in (source.train, source.test):
        if images is not None:
            near = near_others(_traces(images).means, known.means)
            for there, here in zip(near.first.tolist(), near.second.tolist(), strict=True):
                found.setdefault(images.images[here].tobytes(), there)
    return found


def _traces(images: ImageSet) -> Traces:
    tracer = Tracer()
    for image in images.images:
        tracer.add(np.asarray(image))
    return tracer.taken()
