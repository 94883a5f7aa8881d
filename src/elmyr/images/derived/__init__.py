"""Sets derived from others: the same images in another style, made anew from the base whenever they are opened.

A style is a deterministic function of the base's images, named `BASE-STYLE`: `mnist-m`, `digits-thick`. A new one is a
function and a line in `STYLES`, a new base a name in `BASES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet, Pixels
from elmyr.images.derived.photos import over_photos
from elmyr.images.derived.strokes import slanted, thickened, thinned

PHOTOS = "cifar10"
BASES = ("digits", "mnist")

Both = tuple[ImageSet, ImageSet | None]  # training and test images
Open = Callable[[str], Both]  # a set by its name


@dataclass(frozen=True)
class Style:
    """What is done to each image; with `photos`, what is done with those of another set."""

    about: str
    change: Callable[[Pixels], Pixels] | None = None


STYLES = {
    "m": Style("over color patches of CIFAR-10's training photos (Ganin et al. 2016)"),
    "thick": Style("every stroke a pixel wider on each side", thickened),
    "thin": Style("every stroke a pixel narrower on each side, its middle kept", thinned),
    "slant": Style("leaning half a column farther right for each row up", slanted),
}
DERIVED = {f"{base}-{style}": (base, style) for base in BASES for style in STYLES}


def derive(name: str, open_set: Open) -> Both:
    """The training and the test part of a derived set, with the labels of its base.

    `open_set` opens the base, and the photos: its InputError where one is missing.
    """
    base, style = DERIVED[name]
    parts, change = open_set(base), STYLES[style].change
    if change is None:
        photos, _ = open_set(PHOTOS)
        made = over_photos(parts, photos)
    else:
        made = [None if part is None else change(part.images) for part in parts]
    train, test = (
        None if part is None or pixels is None else replace(part, images=pixels, name=name)
        for part, pixels in zip(parts, made, strict=True)
    )
    if train is None:
        raise InputError(f"'{base}' has no training images")
    return train, test
