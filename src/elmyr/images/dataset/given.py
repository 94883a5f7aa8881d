"""What people give as data in Python: names and paths, arrays with labels, image sets, data sets of torch.

A kind is a line in the table: how to know it, and what it becomes, or why it is refused with the line that mends it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from elmyr.core.errors import InputError
from elmyr.core.files import cache_folder
from elmyr.core.notes import note
from elmyr.images.dataset.collected import LABEL_KEYS, Collected, collected, stacked
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.layouts import arranged
from elmyr.images.dataset.ranges import extent_of, held, in_bytes, range_note
from elmyr.images.dataset.shaping import AS_IT_IS, Shaping
from elmyr.images.decode.codecs import is_image
from elmyr.images.storage.stored import StoredPixels
from elmyr.images.writers import save_npz

CONFIG, SURROUNDINGS = "config.json", "environment.json"  # what a run directory holds

Data = Any  # one of KINDS
NAME = "images"
NAMED = 5  # classes that a note lists


class Wish(NamedTuple):
    """What is known beside the data: names of the classes, a name of the set, the size of images of several sizes."""

    classes: tuple[str, ...] = ()
    name: str | None = None
    shaping: Shaping = AS_IT_IS


@dataclass(frozen=True)
class GivenKind:
    """A kind of data: how to know it, and the image set that it becomes; or an InputError."""

    what: str
    matches: Callable[[Any], bool]
    take: Callable[[Any, Wish], ImageSet]


def is_path(data: Data) -> TypeGuard[str | os.PathLike[str]]:
    """Whether data are a known name or a path, which can be opened again."""
    return isinstance(data, str | os.PathLike)


def source_of(data: Data, labels: Any = None, shaping: Shaping = AS_IT_IS) -> str | os.PathLike[str]:
    """Data as a source that can be opened again later: a name or a path as it is.

    What is in memory is written once into the cache, in a file by its digest. labels: those of data that have none of
    their own. shaping: its size is that of images of several sizes. Raises InputError for what is no data.
    """
    given = data if labels is None else (data, labels)
    return given if is_path(given) else kept(image_set_of(given, shaping=shaping))


def refuse_run(path: Path) -> None:
    """InputError where a path is a run's or a study's, not that of images."""
    if (path / CONFIG).is_file() and (path / SURROUNDINGS).is_file():
        raise InputError(f"'{path}' is a run, and images are meant: name those, or resume the run: elmyr resume {path}")


def image_set_of(
    data: Data,
    labels: Any = None,
    *,
    classes: Sequence[str] = (),
    name: str | None = None,
    shaping: Shaping = AS_IT_IS,
) -> ImageSet:
    """What is in memory as an image set; InputError, with the line that mends it, for what is none."""
    given = data if labels is None else (data, labels)
    kind = next(kind for kind in KINDS if kind.matches(given))
    return kind.take(given, Wish(tuple(classes), name, shaping))


def kept(images: ImageSet) -> Path:
    """The file of the cache that holds an image set, written where it is not there yet; classes without images go."""
    images = _of_present_classes(images)
    name = re.sub(r"[^\w-]+", "-", images.name).strip("-") or NAME
    path = cache_folder() / "given" / images.digest()[:20] / f"{name}.npz"
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"images in memory are kept in '{path.parent}', which cannot be made ({error.strerror}): name another "
                "folder by the environment's ELMYR_CACHE_DIR"
            ) from None
        save_npz(images, path)
    return path


def _of_present_classes(images: ImageSet) -> ImageSet:
    """The same with the classes alone that have images, as those of a slice may not."""
    if images.labels is None:
        return images
    present, labels = np.unique(images.labels, return_inverse=True)
    if len(present) == len(images.classes):
        return images
    gone = sorted(set(range(len(images.classes))) - set(present.tolist()))
    listed = ", ".join(f"'{images.classes[number]}'" for number in gone[:NAMED]) + (" …" if len(gone) > NAMED else "")
    note(f"'{images.name}' has no images of {listed}: left out of the classes")
    names = [images.classes[number] for number in present.tolist()]
    return ImageSet(images.images, labels.astype(np.int64), names, images.name)


def _refused(told: str) -> Callable[[Any, Wish], ImageSet]:
    def refuse(data: Any, wish: Wish) -> ImageSet:
        raise InputError(told.format(kind=type(data).__name__))

    return refuse


def _made(images: Any, labels: Any, wish: Wish, name: str | None = None, *, tensors: bool = False) -> ImageSet:
    """An image set of images of any type, range and layout. Of tensors a change is usual, so that it needs no note."""
    name = wish.name or name or NAME
    numbers = None if labels is None else np.shape(labels)[:1]
    if isinstance(images, StoredPixels):
        return ImageSet(images, labels, wish.classes, name)
    pixels, said = arranged(images, numbers[0] if numbers else None)
    extent = extent_of(pixels)
    of = held(wish.shaping.range, extent)
    if said and not tensors:
        note(said)
    if (told := range_note(of, extent, wish.shaping.range)) and not (tensors and of == (0.0, 1.0)):
        note(told)
    return ImageSet(np.ascontiguousarray(in_bytes(pixels, of)), labels, wish.classes, name)


def _array(data: Any, wish: Wish) -> ImageSet:
    return _made(_as_array(data, wish), None, wish, tensors=is_tensor(data))


def _as_array(data: Any, wish: Wish) -> Any:
    """An array of a tensor, of a list of images, or as it is."""
    if is_tensor(data):
        return data.detach().cpu().numpy()
    if isinstance(data, list | tuple):
        return stacked(data, wish.shaping)
    return data


def _pair(data: Any, wish: Wish) -> ImageSet:
    """(images, labels): the labels of arrays; of an image set or a data set in the place of its own."""
    images, labels = data
    if is_path(images):
        raise InputError(f"'{os.fsdecode(images)}' is opened with the labels that it has: leave out labels=")
    if is_many(images):
        return _made(_as_array(images, wish), _plain_labels(labels), wish, tensors=is_tensor(images))
    own = image_set_of(images, name=wish.name, shaping=wish.shaping)
    return ImageSet(own.images, labels, wish.classes, own.name)


def _plain_labels(labels: Any) -> Any:
    return labels.detach().cpu().numpy() if is_tensor(labels) else labels


def _image_set(data: Any, wish: Wish) -> ImageSet:
    return ImageSet(data.images, data.labels, wish.classes or data.classes, wish.name or data.name)


def _data_set(data: Any, wish: Wish) -> ImageSet:
    found: Collected = collected(data, wish.shaping)
    wish = wish._replace(classes=wish.classes or found.classes)
    return _made(found.images, found.labels, wish, found.name, tensors=True)


def _loader(data: Any, wish: Wish) -> ImageSet:
    return image_set_of(data.dataset, classes=wish.classes, name=wish.name, shaping=wish.shaping)


def is_tensor(data: Any) -> bool:
    """Whether it is a tensor of torch, which need not be imported for that."""
    return hasattr(data, "detach") and hasattr(data, "cpu")


def is_many(data: Any) -> bool:
    """Whether it is an array, a tensor, or a list of images."""
    return isinstance(data, np.ndarray | StoredPixels | list | tuple) or is_tensor(data)


def _is_data_set(data: Any) -> bool:
    return hasattr(data, "__getitem__") and hasattr(data, "__len__")


def _is_list_pair(data: Any) -> bool:
    """Whether a list is one of two: the images, and a label for each."""
    if not isinstance(data, list) or len(data) != 2 or not (is_many(data[0]) and is_many(data[1])):
        return False
    return hasattr(data[0], "ndim") and data[0].ndim > 2 and np.shape(data[1]) == (len(data[0]),)


def _are_items(data: Any) -> bool:
    """Whether a list has items as a data set has them: dicts, or pairs of an image and a label."""
    if not isinstance(data, list) or not data:
        return False
    first = data[0]
    return isinstance(first, Mapping) or (isinstance(first, tuple) and len(first) == 2 and np.ndim(first[1]) == 0)


def _are_data_sets(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and all(_is_parts_of_torch(part) for part in data)


def _is_parts_of_torch(part: Any) -> bool:
    return _is_data_set(part) and not is_many(part) and not isinstance(part, str | Mapping) and hasattr(part, "dataset")


def _are_paths(data: Any) -> bool:
    """Whether names of files are given as images: a list of them, or a column of a table."""
    images = data[0] if isinstance(data, tuple) and len(data) == 2 else data
    column = hasattr(images, "to_numpy") and not hasattr(images, "columns")
    return (column or isinstance(images, list | np.ndarray)) and len(images) > 0 and is_path(next(iter(images)))


def _frame(data: Any, wish: Wish) -> ImageSet:
    columns = [str(column) for column in data.columns]
    kinds: dict[str, Any] = {column: data[column].to_numpy()[0] for column in columns if len(data)}
    label = next((column for column in columns if column in LABEL_KEYS), "label")
    if path := next((name for name, one in kinds.items() if is_path(one) and is_image(os.fsdecode(one))), None):
        raise InputError(
            f"a table ({type(data).__name__}) is given, whose column '{path}' names files: "
            f"([PIL.Image.open(path) for path in frame['{path}']], frame['{label}'])"
        )
    if image := next((name for name, one in kinds.items() if np.ndim(one) > 1 or hasattr(one, "convert")), None):
        raise InputError(
            f"a table ({type(data).__name__}) is given, whose column '{image}' holds images: "
            f"(list(frame['{image}']), frame['{label}'])"
        )
    pixels = [column for column in columns if re.search(r"\d", column)]
    side = int(len(pixels) ** 0.5)
    other = next((column for column in columns if column not in pixels), "label")
    shape = f"-1, {side}, {side}" if side * side == len(pixels) else "-1, HEIGHT, WIDTH"
    raise InputError(
        f"a table ({type(data).__name__}) is given: make images of its columns of pixels: "
        f"(frame.drop(columns='{other}').to_numpy().reshape({shape}), frame['{other}'])"
    )


def _of_class(data: Any, wish: Wish) -> ImageSet:
    raise InputError(f"the class {data.__name__} is given, not images: give an object of it: {data.__name__}(…)")


def _mapping(data: Any, wish: Wish) -> ImageSet:
    keys = ", ".join(repr(key) for key in list(data)[:NAMED])
    raise InputError(f"a {type(data).__name__} of {keys} is given: give (d['images'], d['labels']), with its own keys")


# The first that matches.
KINDS = (
    GivenKind("a name or a path", is_path, _refused("a name or a path is opened by elmyr.load_images")),
    GivenKind("a class", lambda data: isinstance(data, type), _of_class),
    GivenKind("an ImageSet", lambda data: isinstance(data, ImageSet), _image_set),
    GivenKind(
        "a run or a model",
        lambda data: hasattr(data, "path") and not _is_data_set(data),
        _refused(
            "a {kind} is given where images are meant: give gan.sample(10_000) to learn from what a GAN makes, or "
            "resume a run with elmyr.resume(run)"
        ),
    ),
    GivenKind(
        "two pairs, as Keras has them",
        lambda data: isinstance(data, tuple) and len(data) == 2 and all(isinstance(part, tuple) for part in data),
        _refused("two pairs of images and labels are given: give one, the training images: data[0]"),
    ),
    GivenKind(
        "names of files",
        _are_paths,
        _refused(
            "names of files are given: open them: ([PIL.Image.open(path) for path in paths], labels), or give the path "
            "of their folder"
        ),
    ),
    GivenKind("(images, labels)", lambda data: isinstance(data, tuple) and len(data) == 2, _pair),
    GivenKind("[images, labels]", _is_list_pair, _pair),
    GivenKind(
        "the parts of a split, as scikit-learn makes them",
        lambda data: isinstance(data, tuple) and len(data) > 2 and np.ndim(data[0]) > 2,
        _refused("a tuple of more than two is given: give two of it: (images, labels)"),
    ),
    GivenKind("a table", lambda data: hasattr(data, "to_numpy") and hasattr(data, "columns"), _frame),
    GivenKind("a dict", lambda data: isinstance(data, Mapping), _mapping),
    GivenKind("items, as a data set of torch has them", _are_items, _data_set),
    GivenKind(
        "parts of a data set",
        _are_data_sets,
        _refused("a list of data sets is given, as random_split makes it: give one, the training images: data[0]"),
    ),
    GivenKind("images", is_many, _array),
    GivenKind("a data loader", lambda data: hasattr(data, "dataset") and hasattr(data, "batch_size"), _loader),
    GivenKind("a data set of torch", _is_data_set, _data_set),
    GivenKind(
        "a file",
        lambda data: hasattr(data, "read"),
        _refused("an open file ({kind}) is given: give its path, so that it can be opened again when a run is resumed"),
    ),
    GivenKind(
        "a generator",
        lambda data: hasattr(data, "__iter__"),
        _refused(
            "a {kind} is given, which has no length and can be gone through once: give a list of its images, or "
            "(np.stack(images), labels)"
        ),
    ),
    GivenKind(
        "anything else",
        lambda data: True,
        _refused(
            "a {kind} is given where images are meant: give a name, a path, (images, labels), an ImageSet or a data "
            "set of torch"
        ),
    ),
)
