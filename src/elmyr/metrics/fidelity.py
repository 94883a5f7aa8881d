"""How near an image is to the image that it should be: mean squared error, PSNR, SSIM.

SSIM: Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import numbers, plain

PEAK = 255.0
AT_ONCE = 1 << 17  # values of images that are looked at together
SIGMA, RADIUS = 1.5, 5  # of the window that SSIM looks through: 11x11
STEADY = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
LARGEST = 1e6  # a value past this is no pixel


def squared_error(images: Any, truth: Any) -> NDArray[np.float64]:
    """The mean squared difference of the pixels of each image, float64 (N,); both (N, H, W, C) with values to 255.

    Raises InputError for other or unequal shapes, NaN, infinity, and what is far from the range of a pixel.
    """
    return _by_few(lambda a, b: ((a - b) ** 2).mean((1, 2, 3)), images, truth)


def psnr(squared_error: Any) -> float:
    """The peak signal-to-noise ratio in dB of a mean squared error, or of the mean of several; infinite for 0.

    Raises InputError for none, NaN, infinity, or one below 0.
    """
    errors = numbers(squared_error, "squared errors")
    if not errors.size or errors.min() < 0:
        raise InputError(f"there are {errors.size} squared errors: give one or more, from 0 on")
    error = float(errors.mean())
    return float(10 * np.log10(PEAK**2 / error)) if error > 0 else float("inf")


def ssim(images: Any, truth: Any) -> NDArray[np.float64]:
    """The structural similarity of each image, float64 (N,), 1 where equal; both (N, H, W, C) with values to 255.

    Through a Gaussian window of 11x11, by channel; windows that leave the image do not count where others are left.
    Raises InputError as `squared_error`.
    """
    return _by_few(_similar, images, truth)


def structural_similarity(images: Any, truth: Any) -> NDArray[np.float64]:
    """As `ssim`, without its comparison of brightness: of contrast and structure alone."""
    return _by_few(lambda a, b: _similar(a, b, light=False), images, truth)


def _similar(a: NDArray[np.float64], b: NDArray[np.float64], light: bool = True) -> NDArray[np.float64]:
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a, variance_b = _windowed(a * a) - mean_a**2, _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    similar = (2 * covariance + STEADY[1]) / (variance_a + variance_b + STEADY[1])
    if light:
        similar = (2 * mean_a * mean_b + STEADY[0]) / (mean_a**2 + mean_b**2 + STEADY[0]) * similar
    if min(a.shape[1:3]) > 2 * RADIUS:
        similar = similar[:, RADIUS:-RADIUS, RADIUS:-RADIUS]
    return np.asarray(similar.mean((1, 2, 3)))


def _by_few(
    figure: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
    images: Any,
    truth: Any,
) -> NDArray[np.float64]:
    """A figure of each pair of images, of a few at a time: float64 takes eight times the memory, and often over."""
    made, wanted = plain(images, "images"), plain(truth, "true images")
    if made.ndim != 4 or made.shape != wanted.shape or not all(made.shape[1:]):
        raise InputError(f"the images are {made.shape}, the true ones {wanted.shape}: give both alike, (N, H, W, C)")
    count = max(1, AT_ONCE // made[:1].size) if len(made) else 1
    figures = np.empty(len(made))
    for start in range(0, len(made), count):
        some = slice(start, start + count)
        figures[some] = figure(_pixels(made[some]), _pixels(wanted[some]))
    return figures


def _pixels(images: NDArray[Any]) -> NDArray[np.float64]:
    values = numbers(images, "images")
    if max(values.max(), -values.min()) > LARGEST:
        raise InputError(f"the images reach from {values.min():.3g} to {values.max():.3g}: pixels are from 0 to 255")
    return values


def _windowed(images: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter(images, (0, SIGMA, SIGMA, 0), radius=(0, RADIUS, RADIUS, 0), mode="reflect"))
