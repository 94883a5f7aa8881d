"""Maps that need no extra: why an image was taken for another class, and why it is read as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.images import Pixels
from elmyr.tasks.recognition.attribution.drawing import overlaid, strengths_of
from elmyr.tasks.recognition.attribution.explained import explained
from elmyr.tasks.recognition.attribution.explaining import Maps, maps_of

METHOD = "gradient"  # it needs no extra: reports and pages show the same wherever they are made


def maps_of_mistakes(model: Any, images: Pixels, predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> Maps:
    """Maps float64 (N, H, W) of the predicted class's logit less the label's: above 0 pixels speak for the prediction.

    predicted, labels: the numbers of classes, int64 (N,).
    """
    of = explained(model)
    units = of.units(of.required(images))
    for_prediction, for_label = (
        maps_of(of, units, torch.from_numpy(np.asarray(classes)), METHOD) for classes in (predicted, labels)
    )
    return for_prediction - for_label


def drawn_maps(model: Any, images: Pixels, classes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Maps of classes (N,) over the faded images, uint8 (N, H, W, 3): red for the class, blue against it."""
    of = explained(model)
    return _drawn(images, maps_of(of, of.units(of.required(images)), torch.from_numpy(np.asarray(classes)), METHOD))


def drawn_mistakes(
    model: Any, images: Pixels, predicted: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The same over the faded images, uint8 (N, H, W, 3): red for the prediction, blue for the label."""
    return _drawn(images, maps_of_mistakes(model, images, predicted, labels))


def _drawn(images: Pixels, maps: Maps) -> NDArray[np.uint8]:
    strengths = strengths_of(maps)
    return np.stack([overlaid(image, strength) for image, strength in zip(images, strengths, strict=True)])
