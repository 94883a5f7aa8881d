"""Small inputs as people have them, for the tests of readers: images of one gray, files beside them, what is read."""

from __future__ import annotations

import io
import tarfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Shaping, open_source


def image(value: int = 0, kind: str = "PNG") -> bytes:
    """An image file of one gray, 4 wide and 3 high."""
    file = io.BytesIO()
    Image.new("L", (4, 3), value).save(file, kind)
    return file.getvalue()


def laid(folder: Path, files: Mapping[str, bytes | str | int]) -> Path:
    """A folder with these files: an image of a gray, or what they hold; a name that ends in `/` is an empty folder."""
    for name, content in files.items():
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(
                image(content)
                if isinstance(content, int)
                else content
                if isinstance(content, bytes)
                else content.encode()
            )
    return folder


def tar(path: Path, files: Mapping[str, bytes | str | int]) -> Path:
    """A tar file of the same."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            held = image(content) if isinstance(content, int) else content
            held = held.encode() if isinstance(held, str) else held
            info = tarfile.TarInfo(name)
            info.size = len(held)
            archive.addfile(info, io.BytesIO(held))
    return path


class Read(NamedTuple):
    """Of the training images and of the test images (None without) the gray of each with the name of its class; notes.

    refused: what is said of what is not read.
    """

    train: dict[int, str | None]
    test: dict[int, str | None] | None
    notes: list[str]
    classes: tuple[str, ...] = ()
    refused: str = ""


def read(path: Path, label_column: str | None = None) -> Read:
    """What is read of a path, each image known by its gray."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            source = open_source(path, shaping=Shaping(label_column=label_column))
        except InputError as error:
            return Read({}, None, [str(warning.message) for warning in told], (), str(error))
    notes = [str(warning.message) for warning in told]
    return Read(
        _labels(source.train), None if source.test is None else _labels(source.test), notes, source.train.classes
    )


def _labels(images: ImageSet) -> dict[int, str | None]:
    grays = [int(one[0, 0, 0]) for one in images.images]
    names = [None] * len(grays) if images.labels is None else [images.classes[label] for label in images.labels]
    return dict(zip(grays, names, strict=True))
