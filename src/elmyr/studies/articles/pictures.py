"""The pictures of a training and of its uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.images import AS_BYTES, class_rows, image_grid, load_images
from elmyr.tasks.gan.editing import between
from elmyr.tasks.gan.model import GAN, GANConfig
from elmyr.tasks.gan.task import PREVIEW_COLUMNS, PREVIEW_ROWS

SHOWN = 10  # images of a row
WALKS = 5  # rows at most, from one class to the next


def samples_picture(run: RunDirectory) -> NDArray[np.uint8]:
    """A hundred samples that a finished run shows; a row for each class where the GAN has classes."""
    images = load_images(run.generated, shaping=AS_BYTES)
    if images.labels is not None:
        return class_rows(images, SHOWN)
    return image_grid(images.images[: SHOWN**2], SHOWN)


def course_picture(run: RunDirectory, gan: GANConfig) -> NDArray[np.uint8] | None:
    """Ten of the same latents at each preview of a run, a row each from its first to its last; None without previews.

    Where the GAN has classes a row holds the first of each, else the first ten.
    """
    rows = [_cells(np.asarray(Image.open(path)), gan) for path in sorted(run.previews.glob("images-*.png"))]
    if not rows:
        return None
    return image_grid(np.concatenate([cells[:, 0] if gan.classes else cells[0] for cells in rows]), SHOWN)


def _cells(picture: NDArray[np.uint8], gan: GANConfig) -> NDArray[np.uint8]:
    """The images of a preview, uint8 (rows, columns, H, W, C)."""
    height, width = gan.height + 1, gan.width + 1  # a line between neighbors
    scale = picture.shape[1] // (PREVIEW_COLUMNS * width - 1)
    small = picture[::scale, ::scale].reshape(-1, PREVIEW_COLUMNS * width - 1, gan.channels)
    whole = np.pad(small, ((0, 1), (0, 1), (0, 0)))
    cells = whole.reshape(PREVIEW_ROWS, height, PREVIEW_COLUMNS, width, gan.channels).swapaxes(1, 2)
    return cells[:, :, :-1, :-1]


def walks_picture(gan: GAN) -> NDArray[np.uint8]:
    """Walks from each other class to the next, the latents changing on the way: a row each, of ten images."""
    classes = len(gan.config.classes)
    pairs = [(first, first + 1) for first in range(0, classes - 1, 2)][:WALKS]
    rows = [
        between(gan, from_class=one, to_class=other, from_seed=one, to_seed=other, steps=SHOWN).images[:]
        for one, other in pairs
    ]
    return image_grid(np.concatenate(rows), SHOWN)


def repair_picture(
    truth: NDArray[np.uint8], damaged: NDArray[np.uint8], repaired: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Three rows of images uint8 (N, H, W, C): as they were, damaged, repaired."""
    return image_grid(np.concatenate([truth, damaged, repaired]), len(truth))
