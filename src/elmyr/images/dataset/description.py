"""What there is to know of an image set before anything is trained on it: counts, sizes, balance, and what is odd."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from elmyr.images.dataset.sizes import LARGEST_UNASKED, spread, suitable_size
from elmyr.images.dataset.sources import load_images, read_parts
from elmyr.images.decode.decoding import frames_note
from elmyr.images.decode.encoded import Damage, EncodedImages, each, told_damage
from elmyr.images.decode.formats import Header, read_header, read_pixels
from elmyr.images.oddities.found import Look, Oddities, Pairs, is_compared, nearly_in, oddities_of, stride
from elmyr.images.oddities.traces import Tracer, Traces
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
    """Of one part: how many images, of which sizes, modes and classes; pixels over all images; what is damaged and odd.

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
    odd: Oddities


@dataclass(frozen=True)
class Account:
    """Of a whole source. leaked, nearly_leaked: test images that are training images, too, or nearly; oddities, notes:
    sentences.

    notes: what the reader chose, and what it passed over.
    """

    name: str
    train: PartAccount
    test: PartAccount | None
    leaked: int
    nearly_leaked: Pairs | None
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
    places: NDArray[np.int64]
    traces: Traces

    def look(self) -> Look:
        digests = {place: glance.digest for place, glance in self.glances.items()}
        flat = [place for place, glance in self.glances.items() if glance.lowest == glance.highest]
        return Look(self.names, self.labels, digests, flat, self.places, self.traces)


def take_account(
    source: str | os.PathLike[str],
    data_root: str | os.PathLike[str] | None = None,
    label_column: str | None = None,
) -> Account:
    """Looks at every image of a source as it is stored; sizes and modes may differ. One image at a time is in memory.

    Duplicates are equal to the last pixel; near-duplicates, outliers and blurred images are looked for among 60,000 of
    a part at most, by their means over 16x16 squares and their edges. Raises InputError where there are no images;
    single damaged images are told.
    """
    with kept_notes() as notes:
        parts = [part for part in read_parts(source, data_root, label_column) if part is not None]
        looks = _looks(parts)
    seen, seen_test = looks[0], looks[1] if len(looks) > 1 else None
    of_train = {glance.digest for glance in seen.glances.values()}
    leaked = 0 if seen_test is None else sum(glance.digest in of_train for glance in seen_test.glances.values())
    train, test = _account(seen), None if seen_test is None else _account(seen_test)
    nearly_leaked = None if seen_test is None else nearly_in(seen.look(), seen_test.look())
    said = _oddities(seen, seen_test, leaked), _odd_images(train, test, nearly_leaked)
    return Account(
        name=parts[0].name,
        train=train,
        test=test,
        leaked=leaked,
        nearly_leaked=nearly_leaked,
        oddities=tuple(sentence for sentences in said for sentence in sentences),
        notes=(*notes, *_sampled(parts)),
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
    glances, places, traces = _watched(((place, image, mode) for place, image in enumerate(part.images)), len(part))
    names = [str(place) for place in range(len(part))]
    return _Seen(glances, names, part.labels, part.classes, None, None, places, traces)


def _look_into(
    part: EncodedImages,
    headers: Mapping[int, Header],
    damage: Damage,
    see: Callable[[BinaryIO], NDArray[np.uint8]],
) -> _Seen:
    decoded = ((place, pixels, headers[place].mode) for place, pixels in each(part, list(headers), see, damage))
    glances, places, traces = _watched(decoded, len(part))
    damage = dict(sorted(damage.items()))
    unreadable = told_damage(part, damage) if damage else None
    names = list(part.names)
    return _Seen(glances, names, part.labels, part.classes, unreadable, part.labels_from, places, traces)


def _watched(
    images: Iterable[tuple[int, NDArray[np.uint8], str]], count: int
) -> tuple[dict[int, _Glance], NDArray[np.int64], Traces]:
    """What is kept of images at their places, and the traces of those that are compared."""
    glances, tracer, places = dict[int, _Glance](), Tracer(), list[int]()
    for place, image, mode in images:
        glances[place] = _glance(image, mode)
        if is_compared(place, count):
            tracer.add(image)
            places.append(place)
    return glances, np.array(places, np.int64), tracer.taken()


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
        odd=oddities_of(seen.look()),
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
    if len(sizes) > 1 or max(next(iter(sizes))) > LARGEST_UNASKED:
        side = suitable_size(sizes)[0]
        yield f"the images are of {spread(sizes)} pixels: a training takes them at {side}x{side}, or at another --size"
    if leaked:
        yield f"{leaked:,} test images are training images, too: figures of the test part will flatter"


def _odd_images(train: PartAccount, test: PartAccount | None, nearly_leaked: Pairs | None) -> Iterator[str]:
    for part, name in ((train, "training"), (test, "test")):
        if part is None:
            continue
        odd = part.odd
        if (pairs := odd.two_classes).count:
            yield f"{pairs.count:,} {name} images equal one of another class, or nearly ({pairs}): look at their labels"
        for found, what in (
            (odd.blank, "are of one color"),
            (odd.outliers, "are outliers, their pixels unlike all others'"),
            (odd.blurred, "are far more blurred than the others"),
        ):
            if found.count:
                yield f"{found.count:,} {name} images {what} ({found})"
    if nearly_leaked is not None and nearly_leaked.count:
        yield (
            f"{nearly_leaked.count:,} test images nearly are training images (test ~ training: {nearly_leaked}): "
            "figures of the test part will flatter"
        )


def _sampled(parts: Sequence[Part]) -> Iterator[str]:
    for part, name in zip(parts, ("training", "test"), strict=False):
        if (every := stride(len(part))) > 1:
            yield (
                f"near-duplicates, outliers and blurred images were looked for among 1 in {every} of {len(part):,} "
                f"{name} images"
            )


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
