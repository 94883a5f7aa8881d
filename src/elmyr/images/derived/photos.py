"""Digits over patches of photographs, as MNIST-M is made (Ganin et al. 2016, "Domain-adversarial training")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images.dataset.imageset import ImageSet, Pixels

TRAINING_SHARE = 5 / 6  # of the photos; test images have patches of the others
AT_ONCE = 1000


def over_photos(parts: Sequence[ImageSet | None], photos: ImageSet) -> list[Pixels | None]:
    """For each part, RGB images: the absolute difference of each of its images and a patch of a photo.

    Which photo and which patch is drawn by a fixed seed. Test images, the second part, have other photos.
    """
    border = round(len(photos) * TRAINING_SHARE)
    pools = (np.arange(border), np.arange(border, len(photos)))
    return [
        None if part is None else _over(part.images, photos, pool, number)
        for number, (part, pool) in enumerate(zip(parts, pools, strict=True))
    ]


def _over(images: Pixels, photos: ImageSet, pool: NDArray[np.int64], number: int) -> NDArray[np.uint8]:
    height, width = images.shape[1:3]
    if not len(pool) or photos.height < height or photos.width < width:
        raise InputError(
            f"'{photos.name}' has {len(pool)} photos of {photos.height}x{photos.width} for images of {height}x{width}: "
            "larger ones are needed"
        )
    random = np.random.default_rng(seeds.derive(0, "photos", number))
    count = len(images)
    chosen = pool[random.integers(0, len(pool), count)]
    tops = random.integers(0, photos.height - height + 1, count)
    lefts = random.integers(0, photos.width - width + 1, count)
    made = np.empty((count, height, width, 3), np.uint8)
    for start in range(0, count, AT_ONCE):
        some = slice(start, start + AT_ONCE)
        rows = tops[some, None, None] + np.arange(height)[:, None]
        columns = lefts[some, None, None] + np.arange(width)
        patches = photos.images[chosen[some]][np.arange(len(rows))[:, None, None], rows, columns]
        apart = np.abs(patches.astype(np.int16) - np.asarray(images[some]).astype(np.int16))
        made[some] = apart
    return made
