"""From encoded images to image sets: of one size and number of channels, damage told, large sets kept in the cache."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from elmyr.core.errors import InputError
from elmyr.core.notes import DataWarning, note
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.passed_over import examples
from elmyr.images.dataset.ranges import Range
from elmyr.images.dataset.ranging import range_of
from elmyr.images.dataset.shaping import Shaping
from elmyr.images.dataset.sizes import Size, size_for_training, size_note, spread, suitable_size
from elmyr.images.decode.encoded import Damage, EncodedImages, each, shown, told_damage
from elmyr.images.decode.formats import Header, read_header, read_pixels
from elmyr.images.storage.cache import Content, Decoded, PixelStore, cached, stamp_of

MOST_UNREADABLE = 0.01  # of a set; or one image of each class of at least
FEWEST_OF_CLASS = 10
FEWEST_CACHED = 1000  # images, below which decoding them again is quicker than a reader would notice
FEWEST_THREADED = 1 << 16  # pixels of an image, below which threads only wait for each other
AT_ONCE = 4  # images that a thread decodes ahead


class Settled(NamedTuple):
    """Image sets of one form; the size that was chosen and the range that was found for them, None where neither."""

    parts: list[ImageSet]
    size: Size | None
    range: Range | None


def decode(sets: Sequence[EncodedImages], shaping: Shaping, *, choose_size: bool = False) -> Settled:
    """The sets (a training and a test part, or one alone) as image sets of one size and one number of channels.

    Gray where all images of all sets are gray, else RGB, unless `shaping` says. Values of 16 bits, and bytes of 0 to 16
    and less, are taken in the range that all of them together have. Up to 1 % unreadable images of a set, or one of
    each class of ten or more, are skipped with a warning that names them. From 1,000 images on the pixels lie in the
    cache folder, memory-mapped, and are found there the next time if names, sizes and times of the files are the same.
    choose_size: whether a size is chosen where they have several, or one that no GAN makes. Raises InputError for more
    damage, for sizes that differ where none is asked for or chosen, and for an image of more than 100 million pixels.
    """
    make = partial(_decoded, sets, shaping, choose_size)
    if sum(map(len, sets)) < FEWEST_CACHED:
        decoded = make(None)
    else:
        form = (shaping.size, shaping.fit, shaping.channels, shaping.range, choose_size)
        files = [file for images in sets for file in images.files]
        decoded = cached(stamp_of(files, form, [list(images.names) for images in sets]), make)
    found = decoded.found
    for said in found["notes"]:
        note(f"'{sets[0].where}': {said}")
    parts = [_image_set(images, part) for images, part in zip(sets, decoded.parts, strict=True)]
    size, ends = (None if found[name] is None else tuple(found[name]) for name in ("size", "range"))
    return Settled(parts, size, ends)


def _image_set(images: EncodedImages, decoded: Decoded) -> ImageSet:
    if decoded.damage:
        warnings.warn(f"'{images.where}': {told_damage(images, decoded.damage)} skipped", DataWarning, stacklevel=4)
    labels = None if images.labels is None else images.labels[decoded.whole]
    return ImageSet(decoded.pixels, labels, images.classes, images.name)


def _decoded(sets: Sequence[EncodedImages], shaping: Shaping, choose_size: bool, folder: Path | None) -> Content:
    # Headers first: sizes and modes are known, and refused, before a pixel is decoded.
    damages: list[Damage] = [{} for _ in sets]
    seen = [
        dict(each(images, range(len(images)), read_header, damage))
        for images, damage in zip(sets, damages, strict=True)
    ]
    for images, damage in zip(sets, damages, strict=True):
        _check_damage(images, damage)
    sizes = Counter(header.size for headers in seen for header in headers.values())
    chosen = size_for_training(sizes) if choose_size and shaping.size is None else None
    size = shaping.size or chosen or _common_size(sets, seen, sizes)
    gray = all(header.gray for headers in seen for header in headers.values())
    channels = shaping.channels or (1 if gray else 3)
    ranging = range_of(sets, seen, shaping.range)
    see = partial(read_pixels, channels=channels, size=size, fit=shaping.fit, of=ranging.taken)
    decoded = []
    for number, (images, headers, damage) in enumerate(zip(sets, seen, damages, strict=True)):
        store = PixelStore(folder and folder / f"{number}.npy", len(headers), (*size, channels))
        largest = max(header.size[0] * header.size[1] for header in headers.values())
        workers = (os.cpu_count() or 1) if largest >= FEWEST_THREADED else 1
        try:
            decoding = each(images, list(headers), see, damage, workers=workers, at_once=AT_ONCE)
            for _, image in track(decoding, f"decoding {escape(images.name)}", len(headers), **_bar(len(headers))):
                store.add(image)
            _check_damage(images, damage)
            decoded.append(Decoded(store.end(), damage))
        finally:
            store.close()
    notes = [size_note(sizes, chosen, shaping.fit)] if chosen else []
    notes += [*ranging.notes, *frames_note(sets, seen)]
    return Content(decoded, {"notes": notes, "size": chosen, "range": ranging.found})


def frames_note(sets: Sequence[EncodedImages], seen: Sequence[Mapping[int, Header]]) -> list[str]:
    """What is said of animations and of files of several pages, by the headers of a set's parts."""
    named = [
        images.names[place]
        for images, headers in zip(sets, seen, strict=True)
        for place, header in headers.items()
        if header.several
    ]
    if not named:
        return []
    count = "1 file has" if len(named) == 1 else f"{len(named):,} files have"
    return [f"{count} several frames or pages ({examples(named)}): the first of each is taken"]


def _bar(count: int) -> dict[str, Any]:
    """How the progress is shown: on a terminal, where it takes long enough to be seen."""
    console = Console(stderr=True)
    return {
        "console": console,
        "transient": True,
        "disable": not console.is_terminal or count < FEWEST_CACHED,
    }


def _common_size(sets: Sequence[EncodedImages], seen: Sequence[dict[int, Header]], sizes: Counter[Size]) -> Size:
    common, count = sizes.most_common(1)[0]
    few_differ = count > sizes.total() / 2
    for images, headers in zip(sets, seen, strict=True):
        for place, header in headers.items():
            if header.size != common:
                odd, most = ("x".join(map(str, size)) for size in (header.size, common))
                raise InputError(
                    f"image '{shown(images.names[place])}' is {odd}, the others are {most}: resize them to one size, "
                    f"or pass --size {most}"
                    if few_differ
                    else f"the images are of {spread(sizes)}, as '{shown(images.names[place])}' of {odd}: pass --size "
                    f"{suitable_size(sizes)[0]}, or another size for all"
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
