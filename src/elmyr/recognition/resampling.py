"""GanOverSampler: small classes filled with generated images, with imbalanced-learn's contract."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from elmyr.gan import GAN


class GanOverSampler(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fills small classes with generated images of a conditional GAN that has learned from all classes.

    X is uint8, (N, H, W, C) or (N, H, W); y holds any labels. `fit_resample` gives X and y with the generated images
    after them. After it: `sampling_strategy_` (how many were asked for, by label) and `gan_`.

    sampling_strategy: as in imbalanced-learn: "auto" (all classes as large as the largest), "minority", "not minority",
    "all", a share (two classes), a list of labels, a mapping of labels to counts, or a function of y.
    random_state: seeds the GAN and its samples. gan: one that is trained already, or the path of its run; it should
    have seen no other images than X. preset, images (budget), settings, device, precision: of the training otherwise,
    as in `elmyr.train`.
    """

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        random_state: int | np.random.RandomState | None = None,
        gan: GAN | str | os.PathLike[str] | None = None,
        preset: str = "small",
        images: int | None = None,
        settings: Mapping[str, Any] | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state
        self.gan = gan
        self.preset = preset
        self.images = images
        self.settings = settings
        self.device = device
        self.precision = precision

    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        """X and y, and after them the generated images and their labels."""
        raise NotImplementedError
