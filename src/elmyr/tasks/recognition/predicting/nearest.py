"""The training images that are nearest to an image, as a recognizer sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.recognition.recognizer import Recognizer

TOGETHER = 32  # images that are compared with all at once: a distance to each of a large set takes memory


@dataclass(frozen=True, eq=False)
class Found:
    """The nearest of N images: places int64 (N, K) in the set that was looked through, distances float32 (N, K)."""

    places: NDArray[np.int64]
    distances: NDArray[np.float32]


class Nearest:
    """Looks through an image set by a recognizer's features, which are made once."""

    def __init__(self, recognizer: Recognizer, images: ImageSet) -> None:
        if not len(images):
            raise InputError(f"the image set '{images.name}' is empty: there are no nearest images")
        self.recognizer, self.images = recognizer, images
        self._known = recognizer.features(images.images).astype(np.float32)
        self._squares = np.square(self._known).sum(1)

    @property
    def nbytes(self) -> int:
        """The bytes of memory that it keeps."""
        images = self.images.images
        of_images = images.nbytes if isinstance(images, np.ndarray) else 0
        return int(self._known.nbytes + self._squares.nbytes + of_images)

    def __call__(self, images: NDArray[np.uint8], count: int) -> Found:
        """The `count` nearest to each of images uint8 (N, H, W, C), the nearest first; fewer where there are fewer."""
        asked = self.recognizer.features(images).astype(np.float32)
        parts = [self._found(asked[start : start + TOGETHER], count) for start in range(0, len(asked), TOGETHER)]
        return Found(
            np.concatenate([part.places for part in parts]), np.concatenate([part.distances for part in parts])
        )

    def _found(self, asked: NDArray[np.float32], count: int) -> Found:
        squared = np.square(asked).sum(1)[:, None] - 2 * (asked @ self._known.T) + self._squares
        count = min(count, len(self._known))
        some = np.argpartition(squared, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(squared, some, 1), axis=1, kind="stable")
        places = np.take_along_axis(some, order, 1)
        distances = np.sqrt(np.maximum(np.take_along_axis(squared, places, 1), 0))
        return Found(places.astype(np.int64), distances.astype(np.float32))
