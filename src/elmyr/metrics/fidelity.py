"""How near an image is to the image that it should be: mean squared error, PSNR, SSIM.

SSIM: Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

PEAK = 255.0
SIGMA, RADIUS = 1.5, 5  # of the window that SSIM looks through: 11x11
STEADY = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2


def squared_error(images: NDArray[np.generic], truth: NDArray[np.generic]) -> NDArray[np.float64]:
    """The mean squared difference of the pixels of each image, float64 (N,); both (N, H, W, C) with values to 255."""
    apart = np.asarray(images, np.float64) - np.asarray(truth, np.float64)
    return np.asarray((apart**2).mean((1, 2, 3)))


def psnr(squared_error: float | NDArray[np.float64]) -> float:
    """The peak signal-to-noise ratio in dB of a mean squared error, or of the mean of several; infinite for 0."""
    error = float(np.mean(squared_error))
    return float(10 * np.log10(PEAK**2 / error)) if error > 0 else float("inf")


def ssim(images: NDArray[np.generic], truth: NDArray[np.generic]) -> NDArray[np.float64]:
    """The structural similarity of each image, float64 (N,), 1 where equal; both (N, H, W, C) with values to 255.

    Through a Gaussian window of 11x11, by channel; windows that leave the image do not count where others are left.
    """
    a, b = (np.asarray(each, np.float64) for each in (images, truth))
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a, variance_b = _windowed(a * a) - mean_a**2, _windowed(b * b) - mean_b**2
    covariance = _windowed(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + STEADY[0]) / (mean_a**2 + mean_b**2 + STEADY[0])
    structure = (2 * covariance + STEADY[1]) / (variance_a + variance_b + STEADY[1])
    similar = light * structure
    if min(a.shape[1:3]) > 2 * RADIUS:
        similar = similar[:, RADIUS:-RADIUS, RADIUS:-RADIUS]
    return np.asarray(similar.mean((1, 2, 3)))


def _windowed(images: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter(images, (0, SIGMA, SIGMA, 0), radius=(0, RADIUS, RADIUS, 0), mode="reflect"))
