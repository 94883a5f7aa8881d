"""The readers of image sets, in two tables: named sources, and what a path may hold.

A reader gives the images and, where the data bring one, their own test split. A new one is a file here and a
line in its table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from elmyr.core.errors import InputError
from elmyr.core.tables import Table
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.dataset.raw import RawImages
from elmyr.images.decode.encoded import EncodedImages
from elmyr.images.readers.array_folder import has_arrays, read_array_folder
from elmyr.images.readers.cifar_binary import read_cifar10
from elmyr.images.readers.digits import read_digits
from elmyr.images.readers.emnist import read_emnist
from elmyr.images.readers.folder import read_folder
from elmyr.images.readers.idx import read_idx_folder
from elmyr.images.readers.idx_paths import has_idx_files, read_idx_path
from elmyr.images.readers.named import named
from elmyr.images.readers.npz import read_npy, read_npz
from elmyr.images.readers.parquet import has_parquet_files, read_parquet
from elmyr.images.readers.pixel_tables import has_pixel_tables, read_pixel_tables
from elmyr.images.readers.tar import has_tar_files, read_tar
from elmyr.images.readers.usps import read_usps

Part = ImageSet | RawImages | EncodedImages
Parts = tuple[ImageSet | RawImages, ImageSet | RawImages | None] | tuple[EncodedImages, EncodedImages | None]


@dataclass(frozen=True)
class PathReader:
    """A kind of image set on disk: how to know it, to read it, and to read it with the labels of a named column.

    `read` gives the training and the test part, None where there is no split; a reader of a plug-in may give all
    images as one set.
    """

    what: str
    matches: Callable[[Path], bool]
    read: Callable[[Path], Parts | ImageSet]
    read_column: Callable[[Path, str], Parts] | None = None


# Read from the data root or the cache, downloaded where they are in neither, or in need of no file at all.
SOURCES: Table[Callable[[Path | None], Parts]] = Table(
    "data set",
    {
        "digits": read_digits,
        "mnist": named("mnist", read_idx_folder),
        "fashion-mnist": named("fashion-mnist", read_idx_folder),
        "kmnist": named("kmnist", read_idx_folder),
        "emnist-letters": named("emnist-letters", partial(read_emnist, part="letters")),
        "emnist-digits": named("emnist-digits", partial(read_emnist, part="digits")),
        "emnist-balanced": named("emnist-balanced", partial(read_emnist, part="balanced")),
        "usps": named("usps", read_usps),
        "cifar10": read_cifar10,
    },
)


def _accepted(part: Any) -> PathReader:
    if isinstance(part, PathReader):
        return part
    raise InputError("a reader is a PathReader: what it reads, matches(path), read(path)")


READERS: Table[PathReader] = Table(
    "reader",
    {
        "npz": PathReader("an .npz file", lambda path: path.is_file() and path.suffix.lower() == ".npz", read_npz),
        "npy": PathReader("an .npy file", lambda path: path.is_file() and path.suffix.lower() == ".npy", read_npy),
        "arrays": PathReader("a folder of arrays", has_arrays, read_array_folder),
        "pixels": PathReader("a table of pixels (.csv)", has_pixel_tables, read_pixel_tables, read_pixel_tables),
        "parquet": PathReader("a parquet file or a folder of them", has_parquet_files, read_parquet, read_parquet),
        "tar": PathReader("a WebDataset tar file or a folder of them", has_tar_files, read_tar, read_tar),
        "idx": PathReader("an IDX file or a folder of them", has_idx_files, read_idx_path),
        "folder": PathReader("a folder of images", Path.is_dir, read_folder, read_folder),
    },
    accept=_accepted,
)


def reader_of(path: Path) -> PathReader | None:
    """The first that matches: those of plug-ins before elmyr's own, of which the last takes any folder."""
    added = [READERS[name] for name in READERS.origins]
    return next((reader for reader in (*added, *READERS.values()) if reader.matches(path)), None)
