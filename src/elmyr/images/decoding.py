"""From encoded images to image sets: of one size and number of channels, damage told, large sets kept in the cache."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from elmyr.errors import InputError
from elmyr.images.cache import Decoded, PixelStore, cached, stamp_of
from elmyr.images.encoded import Damage, EncodedImages, each, shown, told_damage
from elmyr.images.formats import Header, read_header, read_pixels
from elmyr.images.imageset import ImageSet, Pixels
from elmyr.images.shaping import Shaping, Size
from elmyr.notes import DataWarning

MOST_UNREADABLE = 0.01  # of a set; or one image of each class of at least
FEWEST_OF_CLASS = 10
FEWEST_CACHED = 1000  # images, below which decoding them again is quicker than a reader would notice
FEWEST_THREADED = 1 << 16  # pixels of an image, below which threads only wait for each other
AT_ONCE = 4  # images that a thread decodes ahead


def decode(sets: Sequence[EncodedImages], shaping: Shaping) -> list[ImageSet]:
    """The sets (a training and a test part, or one alone) as image sets of one size and one number of channels.

    Gray where all images of all sets are gray, else RGB, unless `shaping` says. Up to 1 % unreadable images of a set,
    or one of each class of ten or more, are skipped with a warning that names them. From 1,000 images on the pixels lie
    in the cache folder, memory-mapped, and are found there the next time if names, sizes and times of the files are the
    same. Raises InputError for more damage, for sizes that differ where none is asked for, and for an image of more
    than 100 million pixels.
    """
    make = partial(_decoded, sets, shaping)
    if sum(map(len, sets)) < FEWEST_CACHED:
        decoded = make(None)
    else:
        form = (shaping.size, shaping.fit, shaping.channels)
        files = [file for images in sets for file in images.files]
        decoded = cached(stamp_of(files, form, [list(images.names) for images in sets]), make)
    return [_image_set(images, *parts) for images, parts in zip(sets, decoded, strict=True)]


def _image_set(images: EncodedImages, pixels: Pixels, whole: list[int], damage: Damage) -> ImageSet:
    if damage:
        warnings.warn(f"'{images.where}': {told_damage(images, damage)} skipped", DataWarning, stacklevel=4)
    labels = None if images.labels is None else images.labels[whole]
    return ImageSet(pixels, labels, images.classes, images.name)


def _decoded(sets: Sequence[EncodedImages], shaping: Shaping, folder: Path | None) -> list[Decoded]:
    # Headers first: sizes and modes are known, and refused, before a pixel is decoded.
    damages: list[Damage] = [{} for _ in sets]
    seen = [
        dict(each(images, range(len(images)), read_header, damage))
        for images, damage in zip(sets, damages, strict=True)
    ]
    for images, damage in zip(sets, damages, strict=True):
        _check_damage(images, damage)
    size = shaping.size or _common_size(sets, seen)
    gray = all(header.gray for headers in seen for header in headers.values())
    see = partial(read_pixels, channels=shaping.channels or (1 if gray else 3), size=size, fit=shaping.fit)
    shape = (*size, shaping.channels or (1 if gray else 3))
    decoded = []
    for number, (images, headers, damage) in enumerate(zip(sets, seen, damages, strict=True)):
        store = PixelStore(folder and folder / f"{number}.npy", len(headers), shape)
        whole = []
        largest = max(header.size[0] * header.size[1] for header in headers.values())
        workers = (os.cpu_count() or 1) if largest >= FEWEST_THREADED else 1
        try:
            decoding = each(images, list(headers), see, damage, workers=workers, at_once=AT_ONCE)
            for place, image in track(decoding, f"decoding {escape(images.name)}", len(headers), **_bar(len(headers))):
                store.add(image)
                whole.append(place)
            _check_damage(images, damage)
            decoded.append(Decoded(store.end(), whole, damage))
        finally:
            store.close()
    return decoded


def _bar(count: int) -> dict[str, Any]:
    """How the progress is shown: on a terminal, where it takes long enough to be seen."""
    console = Console(stderr=True)
    return {
        "console": console,
        "transient": True,
        "disable": not console.is_terminal or count < FEWEST_CACHED,
    }


def _common_size(sets: Sequence[EncodedImages], seen: Sequence[dict[int, Header]]) -> Size:
    common = Counter(header.size for headers in seen for header in headers.values()).most_common(1)[0][0]
    for images, headers in zip(sets, seen, strict=True):
        for place, header in headers.items():
            if header.size != common:
                odd, most = ("x".join(map(str, size)) for size in (header.size, common))
                raise InputError(
                    f"image '{shown(images.names[place])}' is {odd}, the others are {most}: resize them to one size, "
                    f"or pass --size {most}"
                )
    return common


def _check_damage(images: EncodedImages, damage: Damage) -> None:
    if len(damage) > MOST_UNREADABLE * len(images) and not _one_of_each(images, damage):
        raise InputError(
            f"'{images.where}': {told_damage(images, damage)} among {len(images)}: replace or remove what is damaged"
        )


def _one_of_each(images: EncodedImages, damage: Damage) -> bool:
    """Whether no class has more than one damaged image, and each that has one has enough others."""
    labels = np.zeros(len(images), np.int64) if images.labels is None else images.labels
    damaged = Counter(labels[list(damage)].tolist())
    return all(count == 1 and (labels == label).sum() >= FEWEST_OF_CLASS for label, count in damaged.items())
