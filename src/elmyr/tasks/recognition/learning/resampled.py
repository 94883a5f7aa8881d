"""What else can be done about small classes: their images repeated, or mixed with each other (imbalanced-learn)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError, suggestion
from elmyr.images import ImageSet

NEIGHBORS = 5  # of an image, one of which it is mixed with
Rows = NDArray[np.uint8]  # (N, pixels)


def resampled(images: ImageSet, how: str = "random", *, seed: int = 0) -> ImageSet:
    """The images, and after them as many more of each smaller class as make it as large as the largest.

    how: "random" (images repeated) or "smote" (images between an image and one of its five nearest of the class, pixel
    by pixel; Chawla et al. 2002). Of a class with fewer images the neighbors are fewer, the only image of a class is
    repeated; a class without images stays empty. Needs imbalanced-learn. Raises InputError for another `how` and for
    images without labels.
    """
    if how not in OVERSAMPLERS:
        raise InputError(f"no over-sampling '{how}': {suggestion(how, OVERSAMPLERS)}")
    labels = images.require_labels()
    if len(np.unique(labels)) < 2:
        raise InputError(f"'{images.name}' has images of fewer than two classes: there is none to be filled")
    pixels = images.in_memory()
    rows, more = OVERSAMPLERS[how](pixels.reshape(len(pixels), -1), labels, seeds.derive(seed, how) % 2**32)
    return replace(
        images,
        images=np.concatenate([pixels, rows.reshape(-1, *pixels.shape[1:])]),
        labels=np.concatenate([labels, more]),
    )


def imbalanced_learn(module: str) -> Any:
    """A module of imbalanced-learn; InputError where it is not installed."""
    from importlib import import_module

    try:
        return import_module(f"imblearn.{module}")
    except ModuleNotFoundError:
        raise InputError("over-sampling needs imbalanced-learn: pip install 'elmyr[balance]'") from None


def _random(rows: Rows, labels: NDArray[np.int64], seed: int) -> tuple[Rows, NDArray[np.int64]]:
    sampler = imbalanced_learn("over_sampling").RandomOverSampler(random_state=seed)
    sampler.fit_resample(rows, labels)
    new = sampler.sample_indices_[len(rows) :]
    return rows[new], labels[new]


def _smote(rows: Rows, labels: NDArray[np.int64], seed: int) -> tuple[Rows, NDArray[np.int64]]:
    """A call for each number of neighbors that a class can give, since one call takes one for all classes."""
    library = imbalanced_learn("over_sampling")
    known, counts = np.unique(labels, return_counts=True)
    asked = {int(label): int(counts.max()) for label, count in zip(known, counts, strict=True) if count < counts.max()}
    numbers = np.minimum(counts - 1, NEIGHBORS)
    values = rows.astype(np.float32)  # differences of bytes would wrap around
    parts, new = [rows[:0]], [labels[:0]]
    for number in np.unique(numbers):
        classes = {label: asked[label] for label in known[numbers == number].tolist() if label in asked}
        if not classes:
            continue
        options = {"sampling_strategy": classes, "random_state": seed}
        sampler = library.SMOTE(k_neighbors=int(number), **options) if number else library.RandomOverSampler(**options)
        made, of = sampler.fit_resample(values, labels)
        parts.append(np.rint(made[len(rows) :]).clip(0, 255).astype(np.uint8))
        new.append(of[len(rows) :])
    return np.concatenate(parts), np.concatenate(new)


OVERSAMPLERS: dict[str, Callable[[Rows, NDArray[np.int64], int], tuple[Rows, NDArray[np.int64]]]] = {
    "random": _random,
    "smote": _smote,
}
