"""CIFAR-10 in its binary version: a tar archive of records, each a label and the planes of an image.

Krizhevsky 2009, "Learning multiple layers of features from tiny images". The version for Python is pickled: never read.
"""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet
from elmyr.images.decode.encoded import EncodedImages
from elmyr.images.readers.idx import find
from elmyr.images.readers.named import named
from elmyr.images.readers.parquet import has_parquet_files, read_parquet

ARCHIVE = "cifar-10-binary.tar"
INSIDE = "cifar-10-batches-bin/"
TRAIN = tuple(f"{INSIDE}data_batch_{number}.bin" for number in range(1, 6))
TEST = f"{INSIDE}test_batch.bin"
NAMES = f"{INSIDE}batches.meta.txt"
SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32
LARGEST = 10_000 * RECORD
PIECE = 1 << 20


def read_cifar10(
    data_root: Path | None,
) -> tuple[ImageSet, ImageSet] | tuple[EncodedImages, EncodedImages | None]:
    """CIFAR-10 from the folder `cifar10` of the data root (the archive, or parquet files), else downloaded.

    Raises InputError as `read_named`.
    """
    own = None if data_root is None else data_root / "cifar10"
    if own is not None and not find(own, ARCHIVE) and has_parquet_files(own):
        return read_parquet(own)
    return named("cifar10", read_cifar_folder)(data_root)


def read_cifar_folder(folder: Path) -> tuple[ImageSet, ImageSet]:
    """The training and the test images of the archive in a folder, packed with gzip or not.

    Raises InputError for an archive that is damaged or lacks a member.
    """
    archive = find(folder, ARCHIVE)
    assert archive is not None
    members = _members(archive)
    classes = tuple(name for line in members[NAMES].decode(errors="replace").splitlines() if (name := line.strip()))
    train, test = (
        [_records(archive, name, members[name], len(classes)) for name in names] for names in (TRAIN, [TEST])
    )
    return _joined(train, classes), _joined(test, classes)


def _members(archive: Path) -> dict[str, bytes]:
    """What the archive holds under the expected names; in memory, for nothing is unpacked to a place."""
    expected = {*TRAIN, TEST, NAMES}
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz" if archive.suffix == ".gz" else "r:") as tar:
            for member in tar:
                if member.name not in expected or not (file := tar.extractfile(member)):
                    continue
                if member.size > LARGEST:
                    raise InputError(f"'{archive / member.name}' is far too large: download the archive again")
                found[member.name] = file.read()
            while tar.fileobj and tar.fileobj.read(PIECE):  # to gzip's checksum at the end
                pass
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"'{archive}' cannot be read ({error}): download it again") from None
    if missing := sorted(expected - found.keys()):
        raise InputError(f"'{archive}' has no {', '.join(missing)}: download it again")
    return found


def _records(archive: Path, name: str, content: bytes, classes: int) -> NDArray[np.uint8]:
    """A row a record, uint8 (N, 3073)."""
    if not content or len(content) % RECORD:
        raise InputError(f"'{archive / name}' does not hold records of {RECORD:,} bytes: download the archive again")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() >= classes:
        raise InputError(
            f"'{archive / name}' has the label {records[:, 0].max()}, but there are {classes} class names: "
            "download the archive again"
        )
    return records


def _joined(batches: list[NDArray[np.uint8]], classes: tuple[str, ...]) -> ImageSet:
    records = np.concatenate(batches)
    images = np.ascontiguousarray(records[:, 1:].reshape(-1, *SHAPE).transpose(0, 2, 3, 1))
    return ImageSet(images, records[:, 0].astype(np.int64), classes, "cifar10")
