"""Feature likelihood divergence: how well a mixture around generated images explains real ones that nobody has seen.

Jiralerspong, Bose, Gemp, Qin, Bachrach & Gidel 2023, "Feature Likelihood Divergence: Evaluating the Generalization of
Generative Models Using Samples". Each generated image is the center of an isotropic Gaussian, whose variance is fitted
to training images: one that copies a training image becomes so narrow that it explains no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from elmyr.core.errors import InputError
from elmyr.metrics.features import feature_pair, feature_rows, same_columns
from elmyr.metrics.jackknife import Estimate, beside, groups_of, jackknife

SCALE = 100.0  # what the difference of log-likelihoods is multiplied by
STEPS, RATE = 50, 0.5  # of Adam, and its step size
DECAYS, TINY = (0.9, 0.999), 1e-8  # Adam's
NEAREST = 1e-3  # added to the squared distance of the nearest training image, which the variances start from
LEAST, MOST = -40.0, 20.0  # logarithms of variances
TOWARD_MEAN = 0.9  # share of the distance from the mean of the training images, in the one Gaussian that is around it
BLOCK = 4_000_000  # distances held at a time
FEWEST = 4  # rows of each set

Rows = NDArray[np.float64]


def likelihood_divergence(
    training: Any, real: Any, generated: Any, *, labels: NDArray[np.int64] | None = None
) -> Estimate:
    """100 times how much less likely, for each feature, real rows are by generated rows than by training rows.

    training `(L, D)`: rows that the generator has seen, to which variances are fitted; real `(N, D)`: rows that it has
    not seen; generated `(M, D)`. 0 where generated rows explain them as well as half of the training rows, which are
    fitted to the other half. Features are standardized by the real rows; those that do not vary there are left out.
    labels `(M,)`: of generated rows, where these were fixed. The interval is that of the real and of the generated
    rows, the fitted variances as they are. Raises InputError for fewer than 4 rows (of training rows 8), different D,
    or values that are not finite. Source: Jiralerspong et al. 2023, of which this is "FLD (test)".
    """
    a, b = feature_pair(real, generated, least=FEWEST)
    seen = feature_rows(training, name="training", least=2 * FEWEST)
    same_columns(seen, b)
    mean, spread = a.mean(axis=0), a.std(axis=0, ddof=1)
    varied = spread > 0
    if not varied.any():
        raise InputError("no feature of the real images varies: take another extractor")
    seen, x, centers = ((rows[:, varied] - mean[varied]) / spread[varied] for rows in (seen, a, b))
    half = min(len(centers), len(seen) // 2)
    order = np.random.default_rng(0).permutation(len(seen))
    base = _Mixture(seen[order[:half]]).fitted(seen[order[half:]]).log_likelihoods(x)
    mixture = _Mixture(centers).fitted(seen)
    groups = groups_of(len(centers), labels)
    parts = mixture.of_groups(x, groups)  # (G, N)
    counts = np.bincount(groups)
    whole = logsumexp(parts, axis=0) - log(len(centers))
    scale = SCALE / x.shape[1]
    apart = scale * (base - whole)
    of_real = groups_of(len(x))
    without = [
        scale * float((base - logsumexp(np.delete(parts, group, 0), axis=0)).mean() + log(len(centers) - count))
        for group, count in enumerate(counts.tolist())
    ]
    return jackknife(
        float(apart.mean()),
        real=[[float(apart[of_real != group].mean()) for group in range(of_real.max() + 1)]],
        generated=[without],
        beside=beside(a),
    )


@dataclass(frozen=True, eq=False)
class _Mixture:
    """Isotropic Gaussians of one weight around `centers` (M, D). logs: of their variances (M,)."""

    centers: Rows
    logs: Rows | None = None

    def fitted(self, x: Rows) -> _Mixture:
        """With the variances by which rows `x` are most likely, as the published code finds them: 50 steps of Adam."""
        dimension = x.shape[1]
        blocks = [block.astype(np.float32) for _, block in _squared(x, self.centers)]
        nearest = np.min([block.min(axis=0) for block in blocks], axis=0).astype(np.float64)
        of_mean = TOWARD_MEAN**2 * ((x - x.mean(axis=0)) ** 2).sum(axis=1)
        logs = np.append(np.log((nearest + NEAREST) / dimension), 0.0)  # the last of the Gaussian around the mean
        first, second = np.zeros_like(logs), np.zeros_like(logs)
        for step in range(1, STEPS + 1):
            slope = _slope(blocks, of_mean, logs, dimension)
            first = DECAYS[0] * first + (1 - DECAYS[0]) * slope
            second = DECAYS[1] * second + (1 - DECAYS[1]) * slope**2
            moved = RATE * (first / (1 - DECAYS[0] ** step)) / (np.sqrt(second / (1 - DECAYS[1] ** step)) + TINY)
            logs = logs - moved
            logs[:-1] = logs[:-1].clip(LEAST, MOST)
        return _Mixture(self.centers, logs[:-1])

    def log_likelihoods(self, x: Rows) -> Rows:
        """Of rows `(N, D)`: (N,)."""
        return np.asarray(self.of_groups(x, np.zeros(len(self.centers), np.int64))[0] - log(len(self.centers)))

    def of_groups(self, x: Rows, groups: NDArray[np.int64]) -> Rows:
        """The log of the sum of densities over each group of centers: (G, N)."""
        assert self.logs is not None  # fitted
        found = np.empty((groups.max() + 1, len(x)))
        for part, block in _squared(x, self.centers):
            logs = _densities(block, self.logs, x.shape[1])
            for group in range(len(found)):
                found[group, part] = logsumexp(logs[:, groups == group], axis=1)
        return found


def _densities(squared: NDArray[Any], logs: Rows, dimension: int) -> NDArray[Any]:
    """Log-densities (N, M) at squared distances from centers, in their precision."""
    scale = (-0.5 * np.exp(-logs)).astype(squared.dtype)
    shift = (-0.5 * dimension * (logs + log(2 * pi))).astype(squared.dtype)
    return np.asarray(squared * scale + shift)


def _slope(blocks: list[NDArray[np.float32]], of_mean: Rows, logs: Rows, dimension: int) -> Rows:
    """The gradient of the mean negative log-likelihood for each feature, by the logs of variances."""
    shares, squares = np.zeros_like(logs), np.zeros_like(logs)  # of each Gaussian in the rows, and times the distances
    start = 0
    for block in blocks:
        mean = of_mean[start : start + len(block)]
        start += len(block)
        around = _densities(block, logs[:-1], dimension) - np.float32(log(len(logs) - 1))
        origin = _densities(mean, logs[-1:], dimension).astype(np.float32)
        top = np.maximum(around.max(axis=1), origin)
        around = np.exp(around - top[:, None])
        origin = np.exp(origin - top)
        whole = around.sum(axis=1) + origin
        weights = np.float32(1) / whole
        shares[:-1] += weights @ around
        np.multiply(around, block, out=around)
        squares[:-1] += weights @ around
        shares[-1] += float((weights * origin).sum())
        squares[-1] += float((weights * origin) @ mean)
    return np.asarray(-(0.5 * np.exp(-logs) * squares - 0.5 * dimension * shares) / (len(of_mean) * dimension))


def _squared(x: Rows, centers: Rows) -> Iterator[tuple[slice, Rows]]:
    """Squared distances in blocks of rows of `x`."""
    lengths = (centers**2).sum(axis=1)
    height = max(1, BLOCK // len(centers))
    for start in range(0, len(x), height):
        part = slice(start, start + height)
        block = (x[part] ** 2).sum(axis=1, keepdims=True) + lengths - 2 * x[part] @ centers.T
        yield part, np.maximum(block, 0, out=block)
