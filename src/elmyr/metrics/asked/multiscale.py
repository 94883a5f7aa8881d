"""MS-SSIM: how alike two images are at several scales, and how alike those of one class are.

Wang, Simoncelli & Bovik 2003, "Multiscale Structural Similarity for Image Quality Assessment"; as a measure of variety
Odena, Olah & Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import plain
from elmyr.metrics.features import row_labels
from elmyr.metrics.fidelity import RADIUS, ssim, structural_similarity
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # of the scales, from the finest: Wang et al. 2003
SMALLEST = 2 * RADIUS + 1  # pixels of a side that the window fits into
PAIRS = 100  # of each class, as Odena et al. 2017
FEWEST = 4  # images of a class

Rows = NDArray[np.float64]


def multiscale_ssim(images: Any, others: Any) -> Rows:
    """The structural similarity of pairs of images at up to five scales, float64 (N,), 1 where equal.

    Both (N, H, W, C) with values to 255. Each scale has half the size of the one before; those that a window of 11x11
    still fits into count, with the published weights brought to a sum of 1: five from 176 pixels a side on, two at 28.
    Raises InputError for a side below 11 pixels, and as `ssim`. Source: Wang et al. 2003.
    """
    a, b = plain(images, "images"), plain(others, "other images")
    if a.ndim == 4 and min(a.shape[1:3]) < SMALLEST:
        form = "x".join(map(str, a.shape[1:3]))
        raise InputError(f"MS-SSIM looks through windows of {SMALLEST}x{SMALLEST}, the images are {form}")
    scales = min(len(WEIGHTS), int(np.log2(min(a.shape[1:3]) / SMALLEST)) + 1) if a.ndim == 4 else 1
    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    found = np.ones(len(a))
    for scale, weight in enumerate(weights.tolist()):
        last = scale == scales - 1
        found *= np.maximum((ssim if last else structural_similarity)(a, b), 0) ** weight
        a, b = (a, b) if last else (_halved(a), _halved(b))
    return found


def mean_similarity(images: Any, labels: Any) -> Estimate:
    """The mean MS-SSIM of pairs of different images of one class, 0 to 1: above that of real images is collapse.

    images (N, H, W, C) with values to 255, labels (N,); up to 100 pairs of each class, in a fixed shuffle; the mean
    over classes, each with the same weight. The interval is that of the pairs. Raises InputError for a class with fewer
    than 4 images, and as `multiscale_ssim`.
    """
    array = plain(images, "images")
    numbers = row_labels(labels, len(array))
    means, without = [], []
    for label in np.unique(numbers):
        of_class = np.random.default_rng(0).permutation(np.flatnonzero(numbers == label))
        if len(of_class) < FEWEST:
            raise InputError(f"class {label} has {len(of_class)} images: the similarity inside it needs {FEWEST}")
        count = min(PAIRS, len(of_class) // 2)  # no image twice, so that pairs are independent
        values = multiscale_ssim(array[of_class[:count]], array[of_class[count : 2 * count]])
        groups = groups_of(count)
        means.append(values.mean())
        without.append(np.array([values[groups != group].mean() for group in range(groups.max() + 1)]))
    of_classes = [left_out / len(means) for left_out in without]
    return jackknife(float(np.mean(means)), generated=of_classes, low=0.0, high=1.0)


def _halved(images: NDArray[Any]) -> Rows:
    """Means over squares of 2x2; a row or column that is left over does not count."""
    height, width = (side // 2 * 2 for side in images.shape[1:3])
    even = images[:, :height, :width].astype(np.float64)
    return np.asarray((even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4)
