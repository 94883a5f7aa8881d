"""The readers of image sets, in two tables: known names, and what a path may hold.

A reader gives the images and, where the data bring one, their own test split. A new one is a file here and a
line in its table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elmyr.images.imageset import ImageSet
from elmyr.images.readers.digits import read_digits
from elmyr.images.readers.folder import read_folder
from elmyr.images.readers.idx import has_idx_files, read_idx_folder, read_mnist
from elmyr.images.readers.npz import read_npz

Parts = tuple[ImageSet, ImageSet | None]


@dataclass(frozen=True)
class PathReader:
    """A kind of image set on disk: how to know it and how to read it."""

    what: str
    matches: Callable[[Path], bool]
    read: Callable[[Path], Parts]


# Read from the data root, or from nowhere at all.
BY_NAME: dict[str, Callable[[Path | None], Parts]] = {
    "digits": read_digits,
    "mnist": read_mnist,
}

# The first that matches reads.
BY_PATH = (
    PathReader("an .npz file", lambda path: path.is_file() and path.suffix.lower() == ".npz", read_npz),
    PathReader("a folder of IDX files", has_idx_files, read_idx_folder),
    PathReader("a folder of images", Path.is_dir, read_folder),
)
