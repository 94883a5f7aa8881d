"""How images are brought to one size and channel count, and which of them are used."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import StringIO
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field, field_validator

from elmyr.core import seeds
from elmyr.core.errors import InputError, suggestion
from elmyr.images.dataset.imageset import ImageSet, Pixels
from elmyr.images.dataset.ranges import BYTES
from elmyr.images.dataset.sizes import Size as Size

LARGEST_SIZE = 4096
PLAIN = re.compile(r"[^\s\",](?:[^\n\r\",]*[^\s\",])?")  # a name that needs no quotes
Side = Annotated[int, Field(ge=1, le=LARGEST_SIZE)]  # pixels


class Shaping(BaseModel):
    """What is made of the images of a source: their form, the choice among them, and what training may see of them.

    The first six hold for all parts of a split, the others for its training part only, in their order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    size: tuple[Side, Side] | None = Field(
        None, description="height and width in pixels, or one for both; as they are where None"
    )
    fit: Literal["crop", "pad", "stretch"] = Field("crop", description="what gives where the proportions differ")
    channels: Literal[1, 3] | None = Field(None, description="1 gray, 3 RGB; gray where all images are, where None")
    label_column: str | None = Field(None, description="the column of a table or file that holds the labels")
    range: tuple[float, float] | None = Field(
        None, description="the values that are black and white; found out over all images where None"
    )
    classes: tuple[str, ...] = Field((), description="only these classes, in this order; all where empty")
    limit: int | None = Field(None, ge=1, description="at most so many images, the same share of every class")
    folds: int | None = Field(None, ge=2, description="the test part is one of so many folds, by the seed")
    images_per_class: int | None = Field(None, ge=1, description="at most so many training images of a class")
    imbalance: float | None = Field(None, ge=1, description="training images of the first class for one of the last")
    label_noise: float = Field(0.0, ge=0, lt=1, description="the share of training images with a wrong label")
    labels_per_class: int | None = Field(None, ge=1, description="at most so many training images with a label")

    @field_validator("size", mode="before")
    @classmethod
    def _as_sides(cls, size: Any) -> Any:
        """64 and "64x48" are sizes too."""
        if isinstance(size, str):
            return parse_size(size)
        return (size, size) if isinstance(size, int) and not isinstance(size, bool) else size

    @field_validator("range")
    @classmethod
    def _rises(cls, ends: tuple[float, float] | None) -> tuple[float, float] | None:
        if ends is not None and not ends[0] < ends[1]:
            raise ValueError("the first value, black, is below the second, white")
        return ends

    def as_words(self) -> list[str]:
        """The options of the command line that ask for this."""
        words: list[str] = []
        for name, value in self.model_dump(exclude_defaults=True).items():
            written = WRITTEN.get(name, str)(value)
            words += [f"--{name.replace('_', '-')}", written]
        return words

    def for_training(self) -> bool:
        """Whether it asks for anything of the training part alone."""
        return self.troubles() != AS_IT_IS

    def troubles(self) -> Shaping:
        """What it asks for of the training part alone."""
        return self.only(*TROUBLES)

    def only(self, *names: str) -> Shaping:
        """What it asks for by these names, and nothing else."""
        return Shaping(**{name: getattr(self, name) for name in names})

    def form(self) -> Shaping:
        """What it asks for of all parts."""
        return self.model_copy(update={name: getattr(AS_IT_IS, name) for name in TROUBLES})

    def preparation(self, shape: tuple[int, int, int]) -> Shaping:
        """What brings any image into the form that images of the shape (H, W, C) were brought into, and no more."""
        chosen = {"classes": AS_IT_IS.classes, "limit": AS_IT_IS.limit}
        size, channels = (shape[0], shape[1]), 1 if shape[2] == 1 else 3
        return self.form().model_copy(update={"size": size, "channels": channels, **chosen})


AS_IT_IS = Shaping()
AS_BYTES = Shaping(range=BYTES)  # of images that were made here: black ones are not stretched
TROUBLES = ("images_per_class", "imbalance", "label_noise", "labels_per_class")  # of the training part alone


class Labeled(Protocol):
    """What a choice is made from: images, decoded or not, with their labels."""

    @property
    def name(self) -> str:
        """What the set is called."""
        ...

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """The labels (N,), or None."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        ...

    def __len__(self) -> int: ...


def parse_size(text: str) -> Size:
    """`28` or `28x32` (height x width) as a size; InputError for what is neither."""
    numbers = text.lower().split("x")
    if len(numbers) > 2 or not all(number.isascii() and number.isdecimal() and len(number) < 10 for number in numbers):
        raise InputError(f"the size is '{text[:40]}': give pixels, as 28, or height and width, as 28x32")
    height, width = int(numbers[0]), int(numbers[-1])
    if not 1 <= min(height, width) <= max(height, width) <= LARGEST_SIZE:
        raise InputError(f"the size is '{text}': it is from 1 to {LARGEST_SIZE} pixels a side")
    return height, width


def fitted(image: Image.Image, size: Size, fit: str) -> Image.Image:
    """The picture in a size: its middle cropped, black added around it, or stretched. The same picture where it fits.

    Resampled bicubically with antialiasing, which Pillow does and most tensor libraries do not: Fréchet distances are
    off by several points without (Parmar, Zhang & Zhu 2022, "On Aliased Resizing").
    """
    target = size[1], size[0]
    if image.size == target:
        return image
    if fit == "stretch":
        return image.resize(target, Image.Resampling.BICUBIC)
    if fit == "crop":
        return ImageOps.fit(image, target, Image.Resampling.BICUBIC)
    return ImageOps.pad(image, target, Image.Resampling.BICUBIC, color="black")


def in_form(images: Pixels, shaping: Shaping) -> Pixels:
    """Images uint8 (N, H, W, C) in the asked size and channels; themselves where they have both."""
    shape = shape_in_form(images.shape[1:], shaping)
    if shape == images.shape[1:]:
        return images
    shaped = np.empty((len(images), *shape), np.uint8)
    for place, image in enumerate(images):
        picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
        shaped[place] = as_pixels(fitted(picture, shape[:2], shaping.fit), shape[2])
    return shaped


def shape_in_form(shape: tuple[int, ...], shaping: Shaping) -> tuple[int, int, int]:
    """The shape (H, W, C) that images of a shape have in the asked size and channels."""
    height, width, channels = shape
    return *(shaping.size or (height, width)), shaping.channels or channels


def as_pixels(picture: Image.Image, channels: int) -> NDArray[np.uint8]:
    """A picture as uint8 (H, W, C)."""
    pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(*pixels.shape[:2], channels)


def parse_names(text: str) -> tuple[str, ...]:
    """`cat,dog` as names; one that holds a comma stands in double quotes, as in CSV."""
    if '"' not in text:
        return tuple(name.strip() for name in text.split(","))
    try:
        rows = list(csv.reader(StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error:
        rows = []
    if len(rows) != 1:
        raise InputError(f"the names are {text[:40]!r}: give them with commas between, as cat,dog")
    return tuple(rows[0])


def _written(names: Sequence[str]) -> str:
    """Names as `parse_names` reads them."""
    return ",".join(name if PLAIN.fullmatch(name) else '"{}"'.format(name.replace('"', '""')) for name in names)


# How an option is written on the command line, where it is not as Python writes it.
WRITTEN: dict[str, Callable[[Any], str]] = {
    "size": lambda size: "x".join(map(str, size)),
    "range": lambda ends: ":".join(f"{end:.10g}" for end in ends),
    "classes": _written,
}


class Choice(NamedTuple):
    """Which images of a set are taken, int64 (M,), in their order; their labels and the names of the classes."""

    places: NDArray[np.int64]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]


def choice_of(images: Labeled, shaping: Shaping) -> Choice | None:
    """The images of the asked classes, at most as many as asked; None where that is all of them.

    Raises InputError for a class that there is not, and where no image is left.
    """
    if not shaping.classes and (shaping.limit is None or shaping.limit >= len(images)):
        return None
    choice = Choice(np.arange(len(images), dtype=np.int64), images.labels, images.classes)
    if shaping.classes:
        choice = _of_classes(choice, shaping.classes, images.name)
    if shaping.limit is not None:
        first = np.sort(_even_order(choice.labels, len(choice.places), seed=0)[: shaping.limit])
        labels = None if choice.labels is None else choice.labels[first]
        choice = Choice(choice.places[first], labels, choice.classes)
    return choice


def thinned_for_training(images: ImageSet, shaping: Shaping, seed: int) -> ImageSet:
    """What training with labels sees of a training part: of what `troubled` leaves, what keeps its label."""
    left = troubled(images, shaping, seed)
    return left if shaping.labels_per_class is None else left.take(labeled_places(left, shaping, seed))


def troubled(images: ImageSet, shaping: Shaping, seed: int) -> ImageSet:
    """What is left of a training part: `images_per_class`, of these a long tail by `imbalance`, some labels wrong.

    With an imbalance of 100 the first class keeps all its images, the last a hundredth of them, those between fall
    evenly on a logarithmic scale (Cao et al. 2019); at least one image of each class stays. A wrong label is any of the
    others, as likely as another; the share of wrong ones is exact within one image.
    """
    if shaping.images_per_class is not None or shaping.imbalance is not None:
        images = images.take(_present_places(images, shaping, seed))
    if not shaping.label_noise:
        return images
    labels, classes = images.require_labels(), len(images.classes)
    if classes < 2:
        raise InputError(f"'{images.name}' has one class, so that no label can be wrong: leave out --label-noise")
    random = np.random.default_rng(seeds.derive(seed, "label noise"))
    wrong = random.permutation(len(labels))[: round(shaping.label_noise * len(labels))]
    noisy = labels.copy()
    noisy[wrong] = (labels[wrong] + random.integers(1, classes, len(wrong))) % classes
    return replace(images, labels=noisy)


def labeled_places(images: ImageSet, shaping: Shaping, seed: int) -> NDArray[np.int64]:
    """Which of a training part's images keep their label, `labels_per_class` of each: int64 (M,), in their order."""
    counts = np.bincount(images.require_labels(), minlength=len(images.classes))
    most = counts if shaping.labels_per_class is None else np.minimum(counts, shaping.labels_per_class)
    return _drawn(images, most, seed)


def _present_places(images: ImageSet, shaping: Shaping, seed: int) -> NDArray[np.int64]:
    counts = np.bincount(images.require_labels(), minlength=len(images.classes))
    most = counts if shaping.images_per_class is None else np.minimum(counts, shaping.images_per_class)
    if shaping.imbalance is not None:
        falling = np.linspace(0, 1, len(counts)) if len(counts) > 1 else np.zeros(1)
        most = np.minimum(most, np.maximum(1, np.rint(most.max() * shaping.imbalance**-falling))).astype(np.int64)
    return _drawn(images, most, seed)


def _drawn(images: ImageSet, counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """So many of each class, sorted: of every class the first of one shuffle, so that fewer are among more."""
    labels = images.require_labels()
    shuffled = np.random.default_rng(seeds.derive(seed, "thinning")).permutation(len(labels))
    kept = [shuffled[own[:count]] for own, count in zip(by_class(labels[shuffled]), counts, strict=False)]
    return np.sort(np.concatenate(kept)).astype(np.int64)


def by_class(labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Where the images of each class stand, by the number of the class: as much work for any number of classes."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.cumsum(np.bincount(labels))[:-1])


def _of_classes(choice: Choice, names: Sequence[str], of: str) -> Choice:
    if choice.labels is None:
        raise InputError(f"'{of}' has no classes to choose from: leave out --classes")
    unknown = next((name for name in names if name not in choice.classes), None)
    if unknown is not None:
        raise InputError(f"'{of}' has no class '{unknown}': {suggestion(unknown, choice.classes)}")
    if len(set(names)) < len(names):
        raise InputError(f"the classes {', '.join(names)} name one twice: name each once")
    new_label = np.full(len(choice.classes), -1, np.int64)
    new_label[[choice.classes.index(name) for name in names]] = np.arange(len(names))
    kept = np.flatnonzero(new_label[choice.labels] >= 0)
    if not len(kept):
        raise InputError(f"'{of}' has no images of {', '.join(names)}: choose other classes")
    return Choice(choice.places[kept], new_label[choice.labels[kept]], tuple(names))


def _even_order(labels: NDArray[np.int64] | None, count: int, seed: int) -> NDArray[np.int64]:
    """An order in which every beginning has the classes in their shares, as nearly as that goes."""
    shuffled = np.random.default_rng(seeds.derive(seed, "limit")).permutation(count)
    if labels is None:
        return shuffled
    place = np.empty(count)
    for own in by_class(labels[shuffled]):
        place[shuffled[own]] = (np.arange(len(own)) + 0.5) / len(own)
    return shuffled[np.argsort(place[shuffled], kind="stable")]
