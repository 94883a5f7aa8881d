"""Where images come from: a known name or a path becomes a source, with its test split where it has one."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elmyr.core.calls import checked
from elmyr.core.errors import InputError, nearest, suggestion
from elmyr.core.files import likely_meant
from elmyr.core.notes import note
from elmyr.images.dataset.given import Data, image_set_of, is_path, refuse_run
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.passed_over import examples
from elmyr.images.dataset.raw import leveled
from elmyr.images.dataset.rewritten import rewritten
from elmyr.images.dataset.shaping import AS_IT_IS, Shaping, choice_of, in_form, shape_in_form
from elmyr.images.dataset.sizes import size_for_training, size_note
from elmyr.images.decode.codecs import AS_ARRAYS, FIXES, is_image, suffix_of
from elmyr.images.decode.decoding import Settled, decode
from elmyr.images.decode.encoded import EncodedImages
from elmyr.images.derived import DERIVED, derive
from elmyr.images.readers import READERS, SOURCES, Part, Parts, PathReader, reader_of
from elmyr.images.readers.hub import PREFIX, read_hub
from elmyr.images.readers.labels import is_possible
from elmyr.images.storage.stored import StoredPixels

SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Source:
    """All the images of a data set: `test` is its own test split, or None; `train` is all else.

    shaping: what was asked for, with the size that was chosen and the range of values that was found, so that the same
    is made of the images again, and of others.
    """

    name: str
    train: ImageSet
    test: ImageSet | None
    shaping: Shaping = AS_IT_IS

    def __post_init__(self) -> None:
        if self.test is None:
            return
        if self.test.images.shape[1:] != self.train.images.shape[1:]:
            raise InputError(
                f"'{self.name}' has training images of {self.train.images.shape[1:]} and test images of "
                f"{self.test.images.shape[1:]}: make them one shape"
            )
        if self.test.classes != self.train.classes:
            raise InputError(_of_classes_apart(self.name, self.train.classes, self.test.classes))


def _of_classes_apart(name: str, training: tuple[str, ...], testing: tuple[str, ...]) -> str:
    """Which classes the parts do not share, and what helps."""
    if not training or not testing:
        lacking, having = ("training", "test") if testing else ("test", "training")
        return (
            f"the {having} images of '{name}' have labels, the {lacking} images none: give labels to both, or to none"
        )
    alone = [of_class for of_class in testing if of_class not in training]
    if not alone:
        return f"the training and the test images of '{name}' have the same classes in another order: order them alike"
    return (
        f"'{name}' has test images of {examples(alone)}, and no training image is of that class: name the "
        "classes alike, or move the test images elsewhere"
    )


def open_source(
    source: Data,
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    *,
    choose_size: bool = False,
) -> Source:
    """The source of a known name ("digits", "hf:owner/name" …), of a path, or of what is in memory, as `shaping` asks.

    data_root: the folder that holds `mnist/`; without it the environment's ELMYR_DATA. choose_size: whether a size is
    chosen, and told, where the images have several, or one that no GAN makes: so for whatever trains. Raises InputError
    for what is neither a name nor a path, and for data that are not whole.
    """
    if not is_path(source):
        source = image_set_of(source, shaping=shaping)
    settled = _shaped(read_parts(source, data_root, shaping.label_column), shaping, choose_size=choose_size)
    train, *tests = settled.parts
    found = {"size": settled.size, "range": settled.range}
    shaping = shaping.model_copy(update={name: value for name, value in found.items() if value is not None})
    return Source(train.name, train, _with_classes(tests[0] if tests else None, train.classes), shaping)


def read_parts(
    source: str | os.PathLike[str] | ImageSet,
    data_root: str | os.PathLike[str] | None = None,
    label_column: str | None = None,
) -> Parts:
    """`every_part`, but for a test part without labels beside labeled training images, which is left out and told."""
    train, test = every_part(source, data_root, label_column)
    if test is not None and test.labels is None and train.labels is not None:
        note(f"the {len(test):,} test images of '{train.name}' have no labels and are left out: the others are split")
        test = None
    return train, test  # type: ignore[return-value]  # both of one kind


def every_part(
    source: str | os.PathLike[str] | ImageSet,
    data_root: str | os.PathLike[str] | None = None,
    label_column: str | None = None,
) -> Parts:
    """The training and the test part (or None) of a source as its reader gives them; InputError as `open_source`.

    label_column: of a table or file that holds the labels, where another than the reader's choice is wanted.
    """
    if isinstance(source, ImageSet):
        return source, None
    text = os.fspath(source)
    by_name = text in SOURCES or text in DERIVED
    if label_column is not None and by_name:
        raise InputError(f"'{text}' has no columns to choose labels from: leave out --label-column")
    if text in SOURCES:
        return SOURCES[text](_data_root(data_root))
    if text in DERIVED:
        return derive(text, lambda name: _both(_shaped(read_parts(name, data_root), AS_IT_IS)))
    if text.startswith(PREFIX):
        return read_hub(text, label_column)
    path = Path(text).expanduser()
    if not os.path.exists(path):  # Path.exists raises where the name is too long
        raise InputError(_not_there(text, path))
    refuse_run(path)
    reader = reader_of(path)
    if reader is None:
        raise InputError(_not_read(path))
    return _read_path(reader, path, label_column)


def _read_path(reader: PathReader, path: Path, label_column: str | None) -> Parts:
    if label_column is None:
        parts = reader.read(path)
        return (parts, None) if isinstance(parts, ImageSet) else parts
    if reader.read_column is None:
        raise InputError(f"'{path}' is {reader.what}, which has no columns of labels: leave out --label-column")
    return reader.read_column(path, label_column)


def _not_there(text: str, path: Path) -> str:
    """What was likely meant by a word that is neither a known name nor a path: a name beside it, or another set."""
    beside, known = likely_meant(path), [*SOURCES, *DERIVED]
    if len(path.parts) < 2 and (beside is None or nearest(text, known) is not None):
        return f"no data named '{text}' and no such path: {suggestion(text, known)}"
    return f"no such path '{text}': " + (f"did you mean '{beside}'?" if beside else "check how it is written")


def _not_read(path: Path) -> str:
    """Why a file is no data: what it is instead, with the fix, or what could be given."""
    if is_image(path.name):
        return f"'{path}' is a single image: give the folder of the images"
    if is_possible(path.name):
        return f"'{path}' is a table without images: give the folder that holds it and the images"
    fix = FIXES.get(suffix_of(path.name))
    if fix is not None:
        given = "that file" if fix == AS_ARRAYS else "the folder"
        return f"'{path}' is not read as it is: {fix}, and give {given}"
    known = ", ".join(reader.what for reader in READERS.values())
    return f"'{path}' holds no images: give {known} or a known name, or pass the --plugin that reads it"


def _shaped(parts: Parts, shaping: Shaping, *, choose_size: bool = False) -> Settled:
    """The training and the test part (where there is one), chosen and in their form."""
    chosen = [_chosen(part, shaping) for part in parts if part is not None]
    encoded = [part for part in chosen if isinstance(part, EncodedImages)]
    if encoded:
        return decode(encoded, shaping, choose_size=choose_size)
    sets = leveled([part for part in chosen if not isinstance(part, EncodedImages)], shaping.range)
    size = None
    if choose_size and shaping.size is None:
        sizes = Counter((part.height, part.width) for part in sets.parts)
        size = size_for_training(sizes)
        if size is not None:
            note(f"'{sets.parts[0].name}': {size_note(sizes, size, shaping.fit)}")
            shaping = shaping.model_copy(update={"size": size})
    return Settled([_in_form(part, shaping) for part in sets.parts], size, sets.found)


def _both(settled: Settled) -> tuple[ImageSet, ImageSet | None]:
    return settled.parts[0], settled.parts[1] if len(settled.parts) > 1 else None


def _with_classes(test: ImageSet | None, classes: tuple[str, ...]) -> ImageSet | None:
    """The test images with the numbers of the training images' classes, where they have no other."""
    if test is None or test.labels is None or test.classes == classes or not set(test.classes) <= set(classes):
        return test
    numbers = np.array([classes.index(name) for name in test.classes], np.int64)
    return ImageSet(test.images, numbers[test.labels], classes, test.name)


def _chosen(part: Part, shaping: Shaping) -> Part:
    choice = choice_of(part, shaping)
    if choice is None:
        return part
    if isinstance(part, ImageSet):
        return ImageSet(part.take(choice.places).images, choice.labels, choice.classes, part.name)
    return part.of_choice(choice)


def _in_form(part: ImageSet, shaping: Shaping) -> ImageSet:
    images, form = part.images, shaping.only("size", "fit", "channels")
    shape = shape_in_form(images.shape[1:], form)
    if isinstance(images, StoredPixels) and shape != images.shape[1:]:
        images = rewritten(images, shape, lambda block: np.asarray(in_form(block, form)), form.fit)
    return ImageSet(in_form(images, form), part.labels, part.classes, part.name)


def lasting_name(source: str | os.PathLike[str]) -> str:
    """A source as it can be opened again from anywhere: a known name as it is, a path made absolute."""
    text = os.fspath(source)
    return (
        text
        if text in SOURCES or text in DERIVED or text.startswith(PREFIX)
        else os.path.abspath(Path(text).expanduser())
    )


def image_names(
    source: str | os.PathLike[str],
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
    split: str = "train",
) -> list[str]:
    """What the images of `load_images` are called: their files where they have any, else their numbers in the source.

    No names for the split "test" where the source has no test split of its own.
    """
    part = read_parts(source, data_root, shaping.label_column)[SPLITS.index(split)]
    if part is None:
        return []
    if isinstance(part, EncodedImages):
        chosen = _chosen(part, shaping)
        assert isinstance(chosen, EncodedImages)
        return list(chosen.names)
    choice = choice_of(part, shaping)
    return [str(number) for number in (range(len(part)) if choice is None else choice.places.tolist())]


@checked
def load_images(
    source: Data,
    labels: Any = None,
    *,
    split: str = "train",
    data_root: str | os.PathLike[str] | None = None,
    shaping: Shaping = AS_IT_IS,
) -> ImageSet:
    """The images of a source: "train" is all that is not its own test split, "test" that split.

    source: a known name, a path, or what is in memory: arrays (with `labels`, or as a pair), an image set, a data set
    of torch. Raises InputError as `open_source`, and for "test" where the source has no test split of its own.
    """
    if split not in SPLITS:
        raise InputError(f"no split named '{split}': {suggestion(split, SPLITS)}")
    opened = open_source(source if labels is None else (source, labels), data_root, shaping)
    if split == "train":
        return opened.train
    if opened.test is None:
        raise InputError(f"'{opened.name}' has no test split of its own: take 'train', and split that")
    return opened.test


def _data_root(given: str | os.PathLike[str] | None) -> Path | None:
    root = given if given is not None else os.environ.get("ELMYR_DATA")
    return Path(root).expanduser() if root else None
