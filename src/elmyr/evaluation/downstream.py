"""What generated images are good for: recognizers that learn from them, and recognizers that read them.

Ravuri & Vinyals 2019, "Classification Accuracy Score for Conditional Generative Models"; its reverse is GAN-test of
Shmelkov et al. 2018, "How good is my GAN?".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.evaluation.extractors import Extraction
from elmyr.evaluation.paired_samples import first_of
from elmyr.evaluation.stages import Stages
from elmyr.images import ImageSet
from elmyr.tasks.recognition import Recognizer, default_updates

Lesson = tuple[ImageSet, ImageSet]  # what a recognizer learns from, and what one reads that learned from real images


def recognized(
    lessons: Sequence[Lesson], real: ImageSet, computed: Extraction, stages: Stages
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Which of `real` a recognizer classifies correctly that learned from a subject's images, and the reverse.

    The first lesson is of real images themselves: training images, and held-out ones. All recognizers learn from as
    many images, with as many updates as a study's; where, says `computed`.
    """
    if not lessons:
        return []
    count = min(len(training) for training, _ in lessons)
    stages.begin(f"training {len(lessons)} recognizers, each on {count:,} images")
    readers = [_recognizer_of(first_of(training, count), computed, stages) for training, _ in lessons]
    return [
        (_right(reader, real), _right(readers[0], made)) for reader, (_, made) in zip(readers, lessons, strict=True)
    ]


def check_useful(images: ImageSet, name: str) -> None:
    """InputError unless a recognizer can learn from these images."""
    if images.labels is None or len(np.unique(images.labels)) < 2:
        raise InputError(f"'{name}' has no labels of several classes for a recognizer to learn from: leave out --use")


def _recognizer_of(images: ImageSet, computed: Extraction, stages: Stages) -> Recognizer:
    recognizer = Recognizer(updates=default_updates(images), device=computed.device, precision=computed.precision)
    return stages.fitted(recognizer, images, f"recognizer of {images.name}")


def _right(recognizer: Recognizer, images: ImageSet) -> NDArray[np.bool_]:
    return np.asarray(recognizer.predict(images.images) == images.require_labels())
