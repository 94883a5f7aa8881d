"""The Fréchet distance between two sets of features, each taken as a Gaussian.

Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium".
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.metrics.features import feature_pair, feature_rows


def gaussian_of(features: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean `(D,)` and the unbiased covariance `(D, D)` of features `(N, D)`, in float64.

    Raises InputError for fewer than 2 rows, a shape other than `(N, D)`, or values that are not finite.
    """
    rows = feature_rows(features)
    mean = rows.mean(axis=0)
    centered = rows - mean
    return mean, centered.T @ centered / (len(rows) - 1)


def frechet_distance(real: ArrayLike, generated: ArrayLike) -> float:
    """|μa − μb|² + tr Σa + tr Σb − 2 tr (Σa Σb)^½ of features `(N, D)` and `(M, D)`; 0 is the best.

    In squared units of the features, so comparable only within one feature extractor; biased upwards where
    samples are few, so only within one sample count too. Symmetric, never negative. Raises InputError for
    fewer than 2 rows, different D, or values that are not finite. Source: Heusel et al. 2017.
    """
    a, b = feature_pair(real, generated)
    (mean_a, covariance_a), (mean_b, covariance_b) = gaussian_of(a), gaussian_of(b)
    # tr (Σa Σb)^½ is the sum of the singular values of Σa^½ Σb^½: nothing complex, no root of rounding noise.
    product = _root(covariance_a) @ _root(covariance_b)
    overlap = np.linalg.svd(product, compute_uv=False).sum()
    distance = ((mean_a - mean_b) ** 2).sum() + np.trace(covariance_a) + np.trace(covariance_b) - 2 * overlap
    return max(0.0, float(distance))


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    scaled = vectors * np.sqrt(values.clip(min=0.0))  # a covariance's eigenvalue below 0 is rounding
    return np.asarray(scaled @ vectors.T)
