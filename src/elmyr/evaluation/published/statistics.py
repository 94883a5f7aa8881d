"""Mean and covariance of real features in a file, in and out, under the keys of pytorch-fid and clean-fid.

Such a file stands for the real images in the Fréchet distance. Beside `mu` and `sigma` elmyr writes which extractor
they are of, and of how many images, and checks this where a file has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.arrays import read_arrays
from elmyr.core.errors import InputError
from elmyr.core.files import replacing
from elmyr.evaluation.extractors import AUTO, FeatureExtractor
from elmyr.metrics import Estimate, Gaussian, frechet_distance_from, gaussian_of

KEYS, OWN = ("mu", "sigma"), ("extractor", "sha256", "count")
ROUNDING = 1e-6  # of the largest eigenvalue, or entry, in what may have been kept in single precision
FEWEST = 2  # images that have a covariance
LEFT_OUT = "figures that need the features of real images are left out, as their statistics stand for them"
MEND = "write it again with elmyr evaluate … --save-stats"


@dataclass(frozen=True, eq=False)
class Statistics:
    """The Gaussian of real features. extractor, sha256, count: of what, and of how many images; None: not known."""

    file: str
    gaussian: Gaussian
    extractor: str | None = None
    sha256: str | None = None
    count: int | None = None

    def extractor_for(self, asked: str) -> str:
        """The name of the extractor to take, where `asked` for one or for any; InputError where none is known."""
        if asked != AUTO:
            return asked
        if self.extractor is None:
            raise InputError(f"'{self.file}' does not say which extractor it is of: name it with --extractor")
        return self.extractor

    def check(self, extractor: FeatureExtractor, say: Callable[[str], None] = lambda line: None) -> None:
        """InputError where these are of another extractor; says so where that cannot be known."""
        if self.extractor not in (None, extractor.name):
            raise InputError(
                f"'{self.file}' is of the extractor '{self.extractor}', not of '{extractor.name}': take --extractor "
                f"{self.extractor}, or other statistics"
            )
        if self.sha256 not in (None, extractor.sha256):
            raise InputError(
                f"'{self.file}' is of an extractor '{extractor.name}' with other weights: take the same, or {MEND}"
            )
        if self.gaussian.mean.size != extractor.dimension:
            raise InputError(
                f"'{self.file}' is of {self.gaussian.mean.size} features, the extractor '{extractor.name}' gives "
                f"{extractor.dimension}: name the extractor that it was made with"
            )
        if self.extractor is None:
            say(f"'{self.file}' does not say which extractor it is of: taken to be of '{extractor.name}'")

    def figures(self, generated: NDArray[np.float64], labels: NDArray[np.int64] | None = None) -> dict[str, Estimate]:
        """All that they give: the Fréchet distance of features `(M, D)`. labels `(M,)`: where these were fixed."""
        return {"frechet_distance": frechet_distance_from(self.gaussian, generated, labels=labels)}

    def told(self) -> dict[str, Any]:
        """What is said of them beside the figures."""
        return {"file": self.file, "count": self.count}


def read_statistics(path: Path) -> Statistics:
    """The statistics of an `.npz` file; InputError where it holds none, or what no images can have."""
    if not path.is_file():
        raise InputError(f"there are no statistics '{path}': name an .npz file with the arrays mu and sigma")
    arrays = read_arrays(path, (*KEYS, *OWN), mend=MEND)
    if missing := [key for key in KEYS if key not in arrays]:
        raise InputError(f"'{path}' has no array '{missing[0]}': {MEND}, or with pytorch-fid's --save-stats")
    gaussian = _gaussian(path, arrays["mu"], arrays["sigma"])
    values = np.linalg.eigvalsh(gaussian.covariance)
    if values[0] < -ROUNDING * max(values[-1], 0):
        raise InputError(f"'{path}': sigma is no covariance, as it has an eigenvalue of {values[0]:.3g}: {MEND}")
    name, sha256 = (str(arrays[key]) if key in arrays else None for key in ("extractor", "sha256"))
    count = _count(path, arrays["count"]) if "count" in arrays else None
    rank = int((values > ROUNDING * values[-1]).sum())
    if count is not None and rank > count - 1:
        raise InputError(f"'{path}' is of {count} images, it says, of which sigma cannot have the rank {rank}: {MEND}")
    return Statistics(path.name, gaussian, name, sha256, count)


def write_statistics(path: Path, extractor: FeatureExtractor, features: NDArray[np.float64]) -> None:
    """Writes those of features `(N, D)`, whole or not at all; pytorch-fid and clean-fid read the file as theirs."""
    mean, covariance = gaussian_of(features)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file,
            mu=mean,
            sigma=covariance,
            extractor=np.array(extractor.name),
            sha256=np.array(extractor.sha256),
            count=np.array(len(features)),
        )


def _gaussian(path: Path, mu: NDArray[Any], sigma: NDArray[Any]) -> Gaussian:
    numbers = all(array.dtype.kind in "iuf" for array in (mu, sigma))
    if mu.ndim != 1 or not mu.size or sigma.shape != (mu.size, mu.size) or not numbers:
        raise InputError(f"'{path}': mu is {mu.shape}, sigma {sigma.shape}: they are numbers (D,) and (D, D)")
    mean, covariance = mu.astype(np.float64), sigma.astype(np.float64)
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise InputError(f"'{path}' holds NaN or infinity: look at the images and the extractor that made it")
    if np.abs(covariance - covariance.T).max() > ROUNDING * np.abs(covariance).max():
        raise InputError(f"'{path}': sigma is no covariance, as it is not symmetric: {MEND}")
    return Gaussian(mean, (covariance + covariance.T) / 2)


def _count(path: Path, count: NDArray[Any]) -> int:
    if count.shape != () or count.dtype.kind not in "iu" or count < FEWEST:
        raise InputError(f"'{path}' is of {count} images, it says: statistics are of {FEWEST} images or more")
    return int(count)
