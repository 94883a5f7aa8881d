"""The images of a data set of torch, or of a list: gone through once, stacked into one array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images.dataset.shaping import Shaping, as_pixels, fitted

IMAGE_KEYS = ("image", "img", "images", "pixel_values")  # of items that are dicts, as Hugging Face's are
LABEL_KEYS = ("label", "labels", "fine_label", "target")


class Collected(NamedTuple):
    """Images of any type and layout, their labels (None without any), the names of the classes, and a name."""

    images: NDArray[Any]
    labels: Any
    classes: tuple[str, ...]
    name: str


def collected(data: Any, shaping: Shaping) -> Collected:
    """The items of a map-style data set: an image each, alone, with its label, or in a dict.

    Where the data set keeps its images as one array and changes nothing about them, as torchvision's with
    `transform=None`, that array. Raises InputError for items that are none of these.
    """
    name, classes = "images" if isinstance(data, list) else type(data).__name__.lower(), _classes(data)
    kept, targets = getattr(data, "data", None), getattr(data, "targets", getattr(data, "labels", None))
    if kept is not None and targets is not None and not callable(kept) and _as_it_is(data):
        images = np.asarray(kept.numpy() if hasattr(kept, "detach") else kept)
        if images.ndim in (3, 4):
            return Collected(images, np.asarray(targets), classes, name)
    items = [_parts(data[number], number) for number in range(len(data))]
    if not items:
        raise InputError(f"the data set {name} is empty: give one with images")
    labeled = [label is not None for _, label in items]
    if any(labeled) and not all(labeled):
        raise InputError(f"item {labeled.index(False)} of the data set {name} has no label, others have: label all")
    labels = [_scalar(label) for _, label in items] if all(labeled) else None
    return Collected(stacked([image for image, _ in items], shaping), labels, classes, name)


def stacked(images: Sequence[Any], shaping: Shaping) -> NDArray[Any]:
    """Images, each an array (H, W) or (H, W, C), a tensor (C, H, W) or a picture of Pillow, as one array.

    Of several sizes they are brought into that of `shaping`; InputError where it has none.
    """
    if not len(images):
        raise InputError("the list of images is empty: give some")
    arrays = _arrays(images)
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 and {array.dtype for array in arrays} == {np.dtype(np.uint8)}:
        arrays = _in_one_form(arrays, shaping)
    elif len(shapes) > 1:
        raise InputError(f"the images have the shapes {_listed(shapes)}: make them one shape, or uint8")
    return np.stack(arrays)


def _arrays(images: Iterable[Any]) -> list[NDArray[Any]]:
    arrays = []
    for number, image in enumerate(images):
        if isinstance(image, Image.Image):
            image = as_pixels(image, 1 if image.mode in ("1", "L") else 3)
        elif hasattr(image, "detach"):
            image = image.detach().cpu().numpy()
            image = image.transpose(1, 2, 0) if image.ndim == 3 and image.shape[0] in (1, 3) else image
        array = np.asarray(image)
        if array.ndim not in (1, 2, 3) or array.dtype.kind not in "buif":
            raise InputError(
                f"image {number} is of the type {type(image).__name__}, not an array (H, W, C): read a file with "
                "PIL.Image.open(path), or give a folder of files by its path"
            )
        arrays.append(array)
    return arrays


def _in_one_form(arrays: Sequence[NDArray[Any]], shaping: Shaping) -> list[NDArray[Any]]:
    """Images uint8 of several shapes in one size, all of them RGB where one is."""
    sizes = {array.shape[:2] for array in arrays}
    size = shaping.size or (sizes.pop() if len(sizes) == 1 else None)
    if size is None:
        raise InputError(f"the images are of several sizes, {_listed(sizes)}: pass shaping=Shaping(size=64)")
    flat = [array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array for array in arrays]
    channels = 3 if any(array.ndim == 3 for array in flat) else 1
    return [as_pixels(fitted(Image.fromarray(array), size, shaping.fit), channels) for array in flat]


def _listed(shapes: set[tuple[int, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) for shape in sorted(shapes)[:2]) + (" …" if len(shapes) > 2 else "")


def _parts(item: Any, number: int) -> tuple[Any, Any]:
    """An item's image, and its label or None."""
    if isinstance(item, Mapping):
        image = next((item[key] for key in IMAGE_KEYS if key in item), None)
        if image is None:
            raise InputError(
                f"item {number} has the keys {', '.join(map(repr, item))}, none of an image: name it 'image'"
            )
        return image, next((item[key] for key in LABEL_KEYS if key in item), None)
    if isinstance(item, tuple | list):
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def _scalar(label: Any) -> Any:
    """A label as a plain value: a tensor or an array of one is unpacked."""
    return label.item() if hasattr(label, "item") and np.size(label) == 1 else label


def _classes(data: Any) -> tuple[str, ...]:
    """The names of the classes that a data set tells, or the one that it is a part of."""
    told = getattr(data, "classes", None)
    if told is None and hasattr(data, "features"):
        features = [getattr(data.features.get(key), "names", None) for key in LABEL_KEYS if key in data.features]
        told = next((names for names in features if names), None)
    if told is None and hasattr(data, "dataset"):
        return _classes(data.dataset)
    return tuple(map(str, told)) if isinstance(told, list | tuple) else ()


def _as_it_is(data: Any) -> bool:
    return all(getattr(data, name, None) is None for name in ("transform", "transforms", "target_transform"))
