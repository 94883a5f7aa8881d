"""Images that stay on the disk in another form: written once into the cache, found there the next time."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elmyr.images.dataset.imageset import Pixels
from elmyr.images.storage import stored
from elmyr.images.storage.cache import Content, Decoded, PixelStore, cached, stamp_of
from elmyr.images.storage.stored import StoredPixels

Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def rewritten(images: StoredPixels, shape: tuple[int, ...], change: Change, *about: object) -> Pixels:
    """What `change` makes of stored images, uint8 (H, W, C) of the shape; in memory where that is little.

    about: all that the change depends on, besides the images. One block of images is in memory at a time.
    """

    def make(folder: Path | None) -> Content:
        store = PixelStore(folder and folder / "0.npy", len(images), shape)
        try:
            for block in images.blocks():
                for image in change(block):
                    store.add(image)
            return Content([Decoded(store.end(), {})], {})
        finally:
            store.close()

    if len(images) * math.prod(shape) < stored.LARGE:
        return make(None).parts[0].pixels
    return cached(stamp_of([], "rewritten", images.stamp(), shape, *about), make).parts[0].pixels
