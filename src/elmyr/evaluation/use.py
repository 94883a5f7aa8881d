"""What generated images are good for: recognizers that learn from them, and recognizers that read them.

Ravuri & Vinyals 2019, "Classification Accuracy Score for Conditional Generative Models"; its reverse is GAN-test of
Shmelkov et al. 2018, "How good is my GAN?".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elmyr.errors import InputError
from elmyr.evaluation.sides import first_of
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet
from elmyr.metrics import Estimate, share_right
from elmyr.recognition import Recognizer, default_updates


def use_figures(
    subjects: Sequence[tuple[ImageSet, ImageSet]],
    *,
    real: ImageSet,
    device: str = "auto",
    precision: str = "auto",
    stages: Stages,
) -> list[dict[str, Estimate]]:
    """The accuracy on `real` of a recognizer that was trained on a subject's images, and the reverse.

    Of a subject are given the images that a recognizer learns from and those that are read by one that learned from
    real images; the first subject is real images themselves: training images, and held-out ones. All recognizers learn
    from as many images, with as many updates as a study's.
    """
    count = min(len(training) for training, _ in subjects)
    stages.begin(f"training {len(subjects)} recognizers, each on {count:,} images")
    readers = [_recognizer_of(first_of(training, count), device, precision, stages) for training, _ in subjects]
    return [
        {
            "trained_on_generated": share_right(_right(reader, real), of="real"),
            "tested_on_generated": share_right(_right(readers[0], tested), of="generated"),
        }
        for reader, (_, tested) in zip(readers, subjects, strict=True)
    ]


def check_useful(images: ImageSet, name: str) -> None:
    """InputError unless a recognizer can learn from these images."""
    if images.labels is None or len(np.unique(images.labels)) < 2:
        raise InputError(f"'{name}' has no labels of several classes for a recognizer to learn from: leave out --use")


def _recognizer_of(images: ImageSet, device: str, precision: str, stages: Stages) -> Recognizer:
    recognizer = Recognizer(updates=default_updates(images), device=device, precision=precision)
    return stages.fitted(recognizer, images, f"recognizer of {images.name}")


def _right(recognizer: Recognizer, images: ImageSet) -> NDArray[np.bool_]:
    return np.asarray(recognizer.predict(images.images) == images.require_labels())
