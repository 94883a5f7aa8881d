"""The plane that shows most of how features differ: principal components (Pearson 1901)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.features import feature_rows, same_columns


class Plane(NamedTuple):
    """Two directions `(D, 2)` through a center `(D,)`, and the share of the variance that each shows `(2,)`."""

    center: NDArray[np.float64]
    directions: NDArray[np.float64]
    shares: NDArray[np.float64]

    def __call__(self, features: Any) -> NDArray[np.float64]:
        """Where features `(N, D)` lie on the plane, `(N, 2)`; InputError for other D or values that are not finite."""
        rows = feature_rows(features, least=1)
        same_columns(self.center[None], rows)
        return np.asarray((rows - self.center) @ self.directions)


def principal_plane(features: Any) -> Plane:
    """The first two principal components of features `(N, D)`; each points to where its largest entry is positive.

    Raises InputError for fewer than 3 rows, D below 2, or values that are not finite.
    """
    rows = feature_rows(features, least=3)
    if rows.shape[1] < 2:
        raise InputError("features of one column span no plane: take others")
    center = rows.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    directions = vectors[:, :-3:-1]
    directions = directions * np.where(directions[np.abs(directions).argmax(axis=0), [0, 1]] < 0, -1, 1)
    total = float(values.sum())
    shares = np.clip(values[:-3:-1], 0, None) / total if total > 0 else np.zeros(2)
    return Plane(center, directions, shares)
