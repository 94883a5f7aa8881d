"""What there is to know of an image set before anything is trained on it: counts, sizes, balance, and what is odd."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.notes import kept_notes, note
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.ranging import range_of
from elmyr.images.dataset.raw import leveled
from elmyr.images.dataset.shaping import Shaping, Size, parse_size
from elmyr.images.dataset.sizes import LARGEST_SIDE, spread, suitable_size
from elmyr.images.dataset.sources import load_images, read_parts
from elmyr.images.decode.decoding import frames_note
from elmyr.images.decode.encoded import Damage, EncodedImages, each, told_damage
from elmyr.images.decode.formats import Header, read_header, read_pixels
from elmyr.images.pictures.grid import class_rows, image_grid, save_png
from elmyr.images.readers import Part

NAMED = 5
SHOWN = 10
LONGEST_SHOWN = 160  # pixels of a side in a picture of many images
LIGHT, DARK = 160, 96  # mean of a border pixel beyond which the ground is light, or dark
LOW_CONTRAST = 64
UNBALANCED = 3  # images of the largest class for one of the smallest: that of elmyr.metrics, a test holds it


@dataclass(frozen=True)
class PartAccount:
    """Of one part: how many images, of which sizes, modes and classes; pixels over all images; what is damaged.

    labels_from: what the labels were read from, where that can be more than one thing.
    """

    count: int
    sizes: dict[str, int]
    modes: dict[str, int]
    classes: dict[str, int]
    lowest: int
    highest: int
    mean: float
    duplicates: int
    duplicate_examples: tuple[tuple[str, str], ...]
    unreadable: str | None
    labels_from: str | None


@dataclass(frozen=True)
class Account:
    """Of a whole source. leaked: test images that are training images, too; oddities, notes: sentences.

    notes: what the reader chose, and what it passed over.
    """

    name: str
    train: PartAccount
    test: PartAccount | None
    leaked: int
    oddities: tuple[str, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)


class _Glance(NamedTuple):
    """What is kept of an image."""

    digest: bytes
    size: tuple[int, int]
    mode: str
    lowest: int
    highest: int
    mean: float
    border: float


class _Seen(NamedTuple):
    glances: dict[int, _Glance]
    names: list[str]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    unreadable: str | None
    labels_from: str | None


def take_account(
    source: str | os.PathLike[str],
    data_root: str | os.PathLike[str] | None = None,
    label_column: str | None = None,
) -> Account:
    """Looks at every image of a source as it is stored; sizes and modes may differ. One image at a time is in memory.

    Duplicates are equal to the last pixel. Raises InputError where there are no images; single damaged images are told.
    """
    with kept_notes() as notes:
        parts = [part for part in read_parts(source, data_root, label_column) if part is not None]
        looks = _looks(parts)
    seen, seen_test = looks[0], looks[1] if len(looks) > 1 else None
    of_train = {glance.digest for glance in seen.glances.values()}
    leaked = 0 if seen_test is None else sum(glance.digest in of_train for glance in seen_test.glances.values())
    return Account(
        name=parts[0].name,
        train=_account(seen),
        test=None if seen_test is None else _account(seen_test),
        leaked=leaked,
        oddities=tuple(_oddities(seen, seen_test, leaked)),
        notes=tuple(notes),
    )


def _looks(parts: Sequence[Part]) -> list[_Seen]:
    """What is seen of the parts of a source, their values in one range."""
    encoded = [part for part in parts if isinstance(part, EncodedImages)]
    if not encoded:
        return [
            _look_at(part)
            for part in leveled([part for part in parts if not isinstance(part, EncodedImages)], None).parts
        ]
    damages: list[Damage] = [{} for _ in encoded]
    headers = [
        dict(each(part, range(len(part)), read_header, damage)) for part, damage in zip(encoded, damages, strict=True)
    ]
    ranging = range_of(encoded, headers, None)
    for said in [*ranging.notes, *frames_note(encoded, headers)]:
        note(f"'{encoded[0].where}': {said}")
    see = partial(read_pixels, channels=None, size=None, fit="crop", of=ranging.taken)
    return [_look_into(*each_part, see) for each_part in zip(encoded, headers, damages, strict=True)]


def _look_at(part: ImageSet) -> _Seen:
    mode = "L" if part.channels == 1 else "RGB"
    glances = {place: _glance(image, mode) for place, image in enumerate(part.images)}
    return _Seen(glances, [str(place) for place in range(len(part))], part.labels, part.classes, None, None)


def _look_into(
    part: EncodedImages,
    headers: Mapping[int, Header],
    damage: Damage,
    see: Callable[[BinaryIO], NDArray[np.uint8]],
) -> _Seen:
    decoded = each(part, list(headers), see, damage)
    glances = {place: _glance(pixels, headers[place].mode) for place, pixels in decoded}
    damage = dict(sorted(damage.items()))
    unreadable = told_damage(part, damage) if damage else None
    return _Seen(glances, list(part.names), part.labels, part.classes, unreadable, part.labels_from)


def _glance(image: NDArray[np.uint8], mode: str) -> _Glance:
    digest = blake2b(np.ascontiguousarray(image).data, digest_size=16, person=str(image.shape).encode()[:16]).digest()
    edges = (image[0], image[-1], image[:, 0], image[:, -1])
    border = float(np.mean([edge.mean() for edge in edges]))
    return _Glance(digest, image.shape[:2], mode, int(image.min()), int(image.max()), float(image.mean()), border)


def _account(seen: _Seen) -> PartAccount:
    glances = list(seen.glances.values())
    counts = {} if seen.labels is None else dict.fromkeys(seen.classes, 0)
    if seen.labels is not None:
        numbers = np.bincount(seen.labels[list(seen.glances)], minlength=len(seen.classes)).tolist()
        counts = dict(zip(seen.classes, numbers, strict=True))
    twins = list(_twins(seen))
    return PartAccount(
        count=len(glances),
        sizes=_counted(f"{glance.size[0]}x{glance.size[1]}" for glance in glances),
        modes=_counted(glance.mode for glance in glances),
        classes=counts,
        lowest=min((glance.lowest for glance in glances), default=0),
        highest=max((glance.highest for glance in glances), default=0),
        mean=float(np.mean([glance.mean for glance in glances])) if glances else 0.0,
        duplicates=len(twins),
        duplicate_examples=tuple(twins[:NAMED]),
        unreadable=seen.unreadable,
        labels_from=seen.labels_from,
    )


def _counted(values: Iterator[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _twins(seen: _Seen) -> Iterator[tuple[str, str]]:
    """Each image that equals an earlier one, beside that one."""
    first: dict[bytes, int] = {}
    for place, glance in seen.glances.items():
        earlier = first.setdefault(glance.digest, place)
        if earlier != place:
            yield seen.names[earlier], seen.names[place]


def _oddities(seen: _Seen, seen_test: _Seen | None, leaked: int) -> Iterator[str]:
    glances = list(seen.glances.values())
    in_test = [] if seen_test is None else list(seen_test.glances.values())
    if not glances:
        return
    highest, lowest = max(g.highest for g in glances), min(g.lowest for g in glances)
    if highest == 0:
        yield "all pixels are 0: the images are black"
    elif highest <= 1:
        yield "all pixels are 0 or 1, nearly black: pass --range 0:1 where 1 is white"
    elif highest - lowest < LOW_CONTRAST:
        yield f"all pixels lie between {lowest} and {highest}: the images have next to no contrast"
    flat = sum(glance.lowest == glance.highest for glance in glances)
    if flat:
        yield f"{flat:,} images are of one color"
    grounds = np.array([glance.border for glance in glances])
    light, dark = int((grounds > LIGHT).sum()), int((grounds < DARK).sum())
    if light + dark > 0.9 * len(glances) and min(light, dark) > 0.02 * len(glances):
        yield f"{light:,} images have a light ground, {dark:,} a dark one: some are inverted"
    if seen.labels is not None:
        counts = np.bincount(seen.labels, minlength=len(seen.classes))
        if counts.max() >= UNBALANCED * max(1, counts.min()):
            most, least = seen.classes[int(counts.argmax())], seen.classes[int(counts.argmin())]
            yield f"the classes are unbalanced: {counts.max():,} images of '{most}', {counts.min():,} of '{least}'"
    sizes = Counter(glance.size for glance in glances + in_test)
    if len(sizes) > 1 or max(next(iter(sizes))) > LARGEST_SIDE:
        side = suitable_size(sizes)[0]
        yield f"the images are of {spread(sizes)} pixels: a training takes them at {side}x{side}, or at another --size"
    if leaked:
        yield f"{leaked:,} test images are training images, too: figures of the test part will flatter"


def _shown_size(size: Size) -> Size:
    shrunk = min(1.0, LONGEST_SHOWN / max(size))
    return max(1, round(shrunk * size[0])), max(1, round(shrunk * size[1]))


def save_overview(
    account: Account,
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    data_root: str | os.PathLike[str] | None = None,
    label_column: str | None = None,
) -> None:
    """A PNG of the first training images: ten of each class, one row per class; in the size that most have, and photos
    smaller, 160 pixels at the longer side.
    """
    size = next((_shown_size(parse_size(size)) for size in account.train.sizes), None)  # None where nothing can be read
    with kept_notes():  # which the account has
        images = load_images(source, data_root=data_root, shaping=Shaping(size=size, label_column=label_column))
    labeled = images.labels is not None
    save_png(class_rows(images, SHOWN) if labeled else image_grid(images.images[: SHOWN**2], SHOWN), path)
