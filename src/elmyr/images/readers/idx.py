"""IDX, the format of MNIST and of the sets made after it: four files, gzip or not, with their own test split.

LeCun, Cortes & Burges 1998, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
UNSIGNED_BYTES = 0x0800  # the magic number, less the number of dimensions
GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 20


def read_idx_folder(folder: Path) -> tuple[ImageSet, ImageSet]:
    """The training and the test images of a folder with the four files; both know the classes of both."""
    missing = [name for name in TRAIN + TEST if not find(folder, name)]
    if missing:
        raise InputError(f"'{folder}' has no {', '.join(missing)} (gzip or not): put what is missing there")
    (train, train_labels), (test, test_labels) = (_read_pair(folder, *names) for names in (TRAIN, TEST))
    classes = tuple(map(str, range(max(train_labels.max(), test_labels.max()) + 1)))
    name = folder.resolve().name
    return ImageSet(train, train_labels, classes, name), ImageSet(test, test_labels, classes, name)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The unsigned bytes of an IDX file, gzip or not, of so many dimensions.

    Raises InputError unless the magic number is right and the content exactly as long as the header says;
    memory is taken for what is there, not for what the header claims.
    """
    try:
        with path.open("rb") as raw:
            return read_idx_stream(raw, path, dimensions)
    except OSError as error:
        raise InputError(f"'{path}' cannot be read ({error}): download it again") from None


def read_idx_stream(raw: BinaryIO, path: Path, dimensions: int) -> NDArray[np.uint8]:
    """What `read_idx` reads, from an open file; `path` is how it is called in a message."""
    try:
        packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
        shape = _read_header(path, file, dimensions)
        expected = math.prod(shape)
        content = _read_up_to(file, expected + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"'{path}' cannot be read ({error}): download it again") from None
    if len(content) != expected:
        found = "more" if len(content) > expected else f"{len(content):,}"
        raise InputError(f"'{path}' should hold {expected:,} bytes but holds {found}: download it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def find(folder: Path, name: str) -> Path | None:
    """The file of this name in a folder, also with a dot as `train-images.idx3-ubyte`, packed with gzip or not, or in a
    folder of its own name; None where there is none."""
    names = [f"{plain}{packed}" for plain in (name, name.replace("-idx", ".idx")) for packed in ("", ".gz")]
    places = [*names, *(f"{one}/{one}" for one in names)]
    return next((folder / place for place in places if (folder / place).is_file()), None)


def _read_pair(folder: Path, images_name: str, labels_name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images_path, labels_path = find(folder, images_name), find(folder, labels_name)
    assert images_path is not None and labels_path is not None
    return pair_of(read_idx(images_path, 3), read_idx(labels_path, 1), images_path, labels_path)


def pair_of(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], images_path: Path, labels_path: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8 (N, H, W, 1) and labels int64 (N,); InputError unless there are as many of both, and some."""
    if not images.size:
        raise InputError(f"'{images_path}' holds no images: download it again")
    if len(images) != len(labels):
        raise InputError(
            f"'{images_path}' holds {len(images):,} images, '{labels_path}' {len(labels):,} labels: "
            "put files of one set there"
        )
    return images[..., None], labels.astype(np.int64)


def _read_header(path: Path, file: BinaryIO, dimensions: int) -> tuple[int, ...]:
    size = 4 + 4 * dimensions
    header = file.read(size)
    if len(header) < size:
        raise InputError(f"'{path}' ends within its header: download it again")
    magic, *shape = struct.unpack(f">{1 + dimensions}I", header)
    if magic == UNSIGNED_BYTES + 1 and dimensions > 1:
        raise InputError(f"'{path}' holds labels, no images: give the file of the images, or the folder of both")
    if magic != UNSIGNED_BYTES + dimensions:
        raise InputError(
            f"'{path}' is no IDX file of {dimensions} dimensions (its magic number is {magic:#010x}, not "
            f"{UNSIGNED_BYTES + dimensions:#010x}): put the right file there"
        )
    return tuple(shape)


def _read_up_to(file: BinaryIO, size: int) -> bytearray:
    content = bytearray()
    while piece := file.read(min(PIECE, size - len(content))):
        content += piece
    return content
