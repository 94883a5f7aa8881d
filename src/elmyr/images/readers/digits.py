"""The 1,797 real handwritten digits of 8x8 pixels that scikit-learn carries: no download."""

from pathlib import Path

import numpy as np

from elmyr.images.dataset.imageset import ImageSet

BRIGHTEST = 16


def read_digits(data_root: Path | None) -> tuple[ImageSet, None]:
    """The digits, their 17 levels of gray spread over 0 to 255; they need no data root."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / BRIGHTEST)).astype(np.uint8)[..., None]
    return ImageSet(images, digits.target.astype(np.int64), tuple(map(str, digits.target_names)), "digits"), None
