"""Why an image was taken for another class: which pixels speak for that, and which for its label."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.images import Pixels
from elmyr.tasks.recognition.attribution.drawing import overlaid, strengths_of
from elmyr.tasks.recognition.attribution.explained import explained
from elmyr.tasks.recognition.attribution.explaining import Maps, maps_of

METHOD = "gradient"  # it needs no extra: a report shows the same wherever it is made


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


def drawn_mistakes(
    model: Any, images: Pixels, predicted: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The same over the faded images, uint8 (N, H, W, 3): red for the prediction, blue for the label."""
    strengths = strengths_of(maps_of_mistakes(model, images, predicted, labels))
    return np.stack([overlaid(image, strength) for image, strength in zip(images, strengths, strict=True)])
