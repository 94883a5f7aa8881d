"""An image set in an `.npz` archive, its training and test part with labels, or in one `.npy` file, without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from elmyr.core.arrays import DAMAGE, array_names, read_arrays
from elmyr.core.errors import InputError
from elmyr.core.notes import note
from elmyr.images.dataset.labels import read_labels
from elmyr.images.dataset.layouts import arranged
from elmyr.images.dataset.ranges import Values
from elmyr.images.dataset.raw import RawImages
from elmyr.images.decode.encoded import one_line, shown
from elmyr.images.readers.keys import Keys, Part, keys_of
from elmyr.images.storage import stored
from elmyr.images.storage.stored import StoredPixels, mapped

MEND = "write it again with numpy.savez(path, images=..., labels=..., classes=...)"
NAMED = 5

T = TypeVar("T")
RawParts = tuple[RawImages, RawImages | None]


def read_npz(path: Path) -> RawParts:
    """Images of any usual layout and type, labels and names of classes, by their keys; see `keys_of`."""
    names = array_names(path, mend=MEND)
    keys = told_of(path, lambda: keys_of(names))
    wanted = [*keys.images.values(), *keys.labels.values(), *([keys.classes] if keys.classes else [])]
    return parts_of(read_arrays(path, wanted, mend=MEND), keys, path)


def read_npy(path: Path) -> tuple[RawImages, None]:
    """Images of any usual layout and type, without labels; those of a large file stay on the disk."""
    try:
        images: NDArray[Any] = mapped(path)
    except DAMAGE as error:
        raise InputError(f"'{path}' cannot be read ({shown(str(error))}): write it with numpy.save") from None
    return told_of(path, lambda: _raw(images, None, path)), None


def parts_of(arrays: Mapping[str, NDArray[Any]], keys: Keys, path: Path) -> RawParts:
    """The training and the test part, or None, of arrays by their keys; what is left out is told.

    Validation images count as training images: elmyr splits these itself. Raises InputError that names the path.
    """
    if keys.others:
        listed = ", ".join(f"'{shown(key)}'" for key in keys.others[:NAMED])
        note(f"'{path}': not read: {listed}{', …' if len(keys.others) > NAMED else ''}")
    return told_of(path, lambda: _parts(arrays, keys, path))


def told_of(path: Path, make: Callable[[], T]) -> T:
    """What is made of a file; an InputError names it."""
    try:
        return make()
    except InputError as error:
        raise InputError(f"'{path}': {one_line(str(error))}") from None


def _parts(arrays: Mapping[str, NDArray[Any]], keys: Keys, path: Path) -> RawParts:
    for part in keys.labels.keys() - keys.images.keys():
        note(f"'{path}': not read: '{keys.labels[part]}', as there are no such images")
    labels = {part: arrays[key] for part, key in keys.labels.items() if part in keys.images}
    names = None if keys.classes is None else arrays[keys.classes]
    if names is not None and not labels and len(keys.images) == 1:
        (part,) = keys.images
        if names.ndim == 1 and len(names) == len(arrays[keys.images[part]]):
            note(f"'{path}': labels from '{keys.classes}'")
            labels, names = {part: names}, None
    classes = _class_names(names)
    numbers, classes = _numbered(labels, classes, path)
    lacking = [part for part in keys.images if numbers and part not in numbers]
    for part in lacking:
        note(f"'{path}': '{keys.images[part]}' is left out, as it has no labels")
    parts = {
        part: _raw(arrays[key], numbers.get(part), path, classes if numbers else ())
        for part, key in keys.images.items()
        if part not in lacking
    }
    training = [parts[part] for part in ("train", "validation") if part in parts]
    return (_joined(training), parts.get("test")) if training else (parts["test"], None)


def _raw(
    images: NDArray[Any], labels: NDArray[np.int64] | None, path: Path, classes: tuple[str, ...] = ()
) -> RawImages:
    if images.dtype.kind not in "buif":
        raise InputError(f"the images are {images.dtype}, not uint8 or other numbers: {MEND}")
    found = arranged(images, None if labels is None else len(labels))
    values: Values = found.images
    if found.said:
        note(f"'{path}': {found.said}")
    if isinstance(images, np.memmap) and images.nbytes >= stored.LARGE:
        if found.said or images.dtype != np.uint8 or not images.flags.c_contiguous:
            raise InputError(
                f"it holds {images.dtype} of the shape {images.shape}, which is large: save it as uint8 (N, H, W, C) "
                "from 0 to 255 with numpy.save, so that it can stay on the disk"
            )
        values = StoredPixels(str(images.filename))
    return RawImages(values, labels, classes, path.stem, str(path))


def _numbered(
    labels: Mapping[Part, NDArray[Any]], classes: tuple[str, ...], path: Path
) -> tuple[dict[Part, NDArray[np.int64]], tuple[str, ...]]:
    """The labels of all parts as positions among the classes of all."""
    if not labels:
        if classes:
            raise InputError(f"there are {len(classes)} class names but no labels: give both or neither")
        return {}, ()
    forms = sorted({str(part.shape[1:]) for part in labels.values()})
    if len(forms) > 1:
        raise InputError(f"the labels of its parts have the shapes (N, …) of {' and '.join(forms)}: give all one form")
    found = read_labels(np.concatenate(list(labels.values())), classes)
    if found.said:
        note(f"'{path}': {found.said}")
    ends = np.cumsum([len(part) for part in labels.values()])[:-1]
    return dict(zip(labels, np.split(found.labels, ends), strict=True)), found.classes


def _joined(parts: list[RawImages]) -> RawImages:
    """Training and validation images as one part."""
    first = parts[0]
    if len(parts) == 1:
        return first
    shapes = {part.values.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise InputError(f"its training and validation images have the shapes (N, …) of {shapes}: give all one size")
    values = np.concatenate([part.values[:] for part in parts])
    labels = [part.labels for part in parts if part.labels is not None]
    return RawImages(values, np.concatenate(labels) if labels else None, first.classes, first.name, first.where)


def _class_names(classes: NDArray[Any] | None) -> tuple[str, ...]:
    if classes is None:
        return ()
    if classes.dtype.kind not in "USui" or classes.ndim != 1:
        raise InputError(f"the classes are {classes.dtype} of the shape {classes.shape}: give a list of names")
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in classes.tolist())
