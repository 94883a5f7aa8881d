"""A map of real and generated images: their features on the plane that shows most of how real ones differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.evaluation.reference import Embedding
from elmyr.metrics import principal_plane

MOST = 400  # images of each side that are drawn

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class FeatureMap:
    """Where some images of each side lie; shares: of the real features' variance that each axis shows."""

    real: Points
    generated: Points
    shares: tuple[float, float]


def map_of(real: Embedding, generated: Embedding) -> FeatureMap | None:
    """The first 400 of each side on the two first principal components of the real features; None of one feature."""
    if real.features.shape[1] < 2:
        return None
    plane = principal_plane(real.features)
    first, second = plane.shares.tolist()
    return FeatureMap(_points(plane(real.features[:MOST])), _points(plane(generated.features[:MOST])), (first, second))


def _points(places: NDArray[np.float64]) -> Points:
    return tuple((float(f"{x:.4g}"), float(f"{y:.4g}")) for x, y in places.tolist())
