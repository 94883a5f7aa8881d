"""Image sets of the Hugging Face hub: `hf:owner/name[:config][@revision]`, through the library `datasets`.

Data only: a repository that brings its own loading code is refused by that library, and no option here allows it.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any, BinaryIO

from elmyr.core.errors import InputError
from elmyr.images.decode.encoded import EncodedImages, joined
from elmyr.images.readers.labels.values import chosen_column, labels_of
from elmyr.images.readers.parts import part_of

PREFIX = "hf:"
NAME = re.compile(r"hf:(?P<repo>\w[\w.-]*/\w[\w.-]*)(?::(?P<config>[\w.-]+))?(?:@(?P<revision>[\w./-]+))?", re.ASCII)


def read_hub(source: str, label_column: str | None = None) -> tuple[EncodedImages, EncodedImages | None]:
    """The training and the test images of a data set on the hub, downloaded once into that library's own cache.

    A split `test` becomes the test part, all others are training images. Raises InputError for a name of another form,
    without the extra `[data]`, for a set without images, and where it cannot be had.
    """
    name = NAME.fullmatch(source)
    if name is None:
        raise InputError(f"'{source}' is no name on the hub: write hf:owner/name, hf:owner/name:config or …@revision")
    try:
        import datasets
    except ImportError:
        raise InputError(f"reading '{source}' needs the library datasets: pip install 'elmyr[data]'") from None
    try:
        loaded = datasets.load_dataset(name["repo"], name["config"], revision=name["revision"])
    except Exception as error:  # whatever the network, the hub and its file systems raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"'{source}' cannot be had from the hub ({reason}): check the name, or be online") from None
    return encoded_parts(loaded, source, label_column)


def encoded_parts(
    splits: Any, source: str, label_column: str | None = None
) -> tuple[EncodedImages, EncodedImages | None]:
    """The parts of what `datasets.load_dataset` gives: a mapping of splits to data sets."""
    parts = {name: _encoded(split, source, label_column) for name, split in splits.items()}
    training = [part for name, part in parts.items() if part_of(name) != "test"]
    testing = [part for name, part in parts.items() if part_of(name) == "test"]
    if not training:
        return joined(testing), None
    return joined(training), joined(testing) if testing else None


def _encoded(split: Any, source: str, label_column: str | None) -> EncodedImages:
    import datasets

    image = next((name for name, kind in split.features.items() if isinstance(kind, datasets.Image)), None)
    if image is None:
        raise InputError(f"'{source}' has no column of images (it has {', '.join(split.features)}): take another set")
    named = [name for name, kind in split.features.items() if isinstance(kind, datasets.ClassLabel)]
    label = chosen_column(named, [name for name in split.features if name != image], label_column, source)
    files = split.cast_column(image, datasets.Image(decode=False))

    def open_image(place: int) -> BinaryIO:
        value = files[place][image]
        if value is None:
            raise ValueError("it is null")
        return BytesIO(value["bytes"]) if value["bytes"] is not None else open(value["path"], "rb")

    classes: tuple[str, ...] = ()
    labels = None
    if label is not None:
        labels, classes = labels_of(split[label], getattr(split.features[label], "names", ()), source)
    return EncodedImages(
        name=source.removeprefix(PREFIX).partition("@")[0].partition(":")[0].rpartition("/")[2],
        where=source,
        names=[f"{split.split or 'row'}[{row}]" for row in range(len(split))],
        open=open_image,
        files=[file["filename"] for file in split.cache_files],
        labels=labels,
        classes=classes,
        labels_from=label and f"the column '{label}'",
    )
