"""USPS: digits of 16x16 pixels as lines of text in the format of LIBSVM, packed with bzip2.

Hull 1994, "A database for handwritten text recognition research"; the files are those of the LIBSVM data sets.
"""

from __future__ import annotations

import bz2
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet

TRAIN, TEST = "usps.bz2", "usps.t.bz2"
SIDE = 16
NUMBERS = 1 + 2 * SIDE * SIDE  # of a line: the label, then `index:value` of each pixel
CLASSES = tuple("0123456789")
LARGEST = 1 << 27  # characters; the training images have 30 million


def read_usps(folder: Path) -> tuple[ImageSet, ImageSet]:
    """The training and the test images of a folder with both files; -1 becomes 0 (paper), 1 becomes 255 (ink).

    Raises InputError for a file that is damaged or of another form.
    """
    return _read(folder / TRAIN), _read(folder / TEST)


def _read(path: Path) -> ImageSet:
    numbers = _numbers(path)
    labels, indices, values = numbers[:, 0], numbers[:, 1::2], numbers[:, 2::2]
    if not np.isin(labels, range(1, len(CLASSES) + 1)).all():
        raise InputError(f"'{path}' has labels other than 1 to {len(CLASSES)}: download it again")
    if not (indices == np.arange(1, SIDE * SIDE + 1)).all():
        raise InputError(f"'{path}' leaves pixels out: download it again")
    if not (np.abs(values) <= 1).all():
        raise InputError(f"'{path}' has pixels beyond -1 to 1: download it again")
    images = np.rint((values + 1) * (255 / 2)).astype(np.uint8)
    return ImageSet(images.reshape(-1, SIDE, SIDE, 1), labels.astype(np.int64) - 1, CLASSES, "usps")


def _numbers(path: Path) -> NDArray[np.float64]:
    """All numbers of the file, a row a line."""
    try:
        with bz2.open(path) as file:
            text = file.read(LARGEST + 1)
        words = text.replace(b":", b" ").split()
        numbers = np.fromiter(map(float, words), np.float64, len(words))
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read ({error}): download it again") from None
    if not len(numbers) or len(numbers) % NUMBERS or len(text) > LARGEST:
        raise InputError(f"'{path}' does not hold lines of a label and {SIDE * SIDE} pixels: download it again")
    return numbers.reshape(-1, NUMBERS)
