"""Where images come from: a known name or a path becomes a source, with its test split where it has one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from elmyr.errors import InputError, suggestion
from elmyr.images.imageset import ImageSet
from elmyr.images.readers import BY_NAME, BY_PATH

SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Source:
    """All the images of a data set: `test` is its own test split, or None; `train` is all else."""

    name: str
    train: ImageSet
    test: ImageSet | None

    def __post_init__(self) -> None:
        if self.test is None:
            return
        if self.test.images.shape[1:] != self.train.images.shape[1:]:
            raise InputError(
                f"'{self.name}' has training images of {self.train.images.shape[1:]} and test images of "
                f"{self.test.images.shape[1:]}: make them one shape"
            )
        if self.test.classes != self.train.classes:
            raise InputError(f"the training and the test images of '{self.name}' have different classes: name the same")


def open_source(source: str | os.PathLike[str], data_root: str | os.PathLike[str] | None = None) -> Source:
    """The source of a known name ("digits", "mnist"), else of a path: an .npz file or a folder.

    data_root: the folder that holds `mnist/`; without it the environment's ELMYR_DATA. Raises InputError for
    what is neither a name nor a path, and for data that are not whole.
    """
    text = os.fspath(source)
    if text in BY_NAME:
        return Source(text, *BY_NAME[text](_data_root(data_root)))
    path = Path(text).expanduser()
    if not os.path.exists(path):  # Path.exists raises where the name is too long
        raise InputError(f"no data named '{text}' and no such path: {suggestion(text, BY_NAME)}")
    for reader in BY_PATH:
        if reader.matches(path):
            train, test = reader.read(path)
            return Source(train.name, train, test)
    raise InputError(f"'{text}' is no image set: give {', '.join(reader.what for reader in BY_PATH)} or a known name")


def lasting_name(source: str | os.PathLike[str]) -> str:
    """A source as it can be opened again from anywhere: a known name as it is, a path made absolute."""
    text = os.fspath(source)
    return text if text in BY_NAME else os.path.abspath(Path(text).expanduser())


def load_images(
    source: str | os.PathLike[str],
    *,
    split: str = "train",
    data_root: str | os.PathLike[str] | None = None,
) -> ImageSet:
    """The images of a source: "train" is all that is not its own test split, "test" that split.

    Raises InputError as `open_source`, and for "test" where the source has no test split of its own.
    """
    if split not in SPLITS:
        raise InputError(f"no split named '{split}': {suggestion(split, SPLITS)}")
    opened = open_source(source, data_root)
    if split == "train":
        return opened.train
    if opened.test is None:
        raise InputError(f"'{opened.name}' has no test split of its own: take 'train', and split that")
    return opened.test


def _data_root(given: str | os.PathLike[str] | None) -> Path | None:
    root = given if given is not None else os.environ.get("ELMYR_DATA")
    return Path(root).expanduser() if root else None
