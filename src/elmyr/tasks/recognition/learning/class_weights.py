"""What an image of each class counts in a recognizer's loss, as scikit-learn has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics import is_unbalanced
from elmyr.tasks.recognition.learning.lesson import Lesson

BALANCED, AUTO = "balanced", "auto"
ClassWeight = Mapping[Any, float] | str | None


def settled_weight(asked: ClassWeight, lesson: Lesson) -> ClassWeight:
    """The same with nothing left open: "auto" is "balanced" where classes differ by 3:1 or more, else None."""
    if asked != AUTO:
        return asked
    return BALANCED if is_unbalanced(lesson.class_counts) else None


def class_weights(asked: ClassWeight, lesson: Lesson, generated_share: float) -> NDArray[np.float64] | None:
    """The weight of each of the lesson's classes (K,), or None where all count alike.

    "balanced" counts generated images by their share of what is shown, so that without them it is scikit-learn's
    n / (K n_k). InputError for what is no weight, and for labels that are none of the classes.
    """
    asked = settled_weight(asked, lesson)
    if asked is None:
        return None
    classes = lesson.classes.tolist()
    if isinstance(asked, Mapping):
        unknown = [label for label in asked if label not in classes]
        if unknown:
            raise InputError(f"class_weight names {unknown[0]!r}, no label of y: take {', '.join(map(str, classes))}")
        weights = np.array([asked.get(label, 1.0) for label in classes], np.float64)
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise InputError(f"class_weight gives {weights.tolist()}: weights are from 0 on, and not all 0")
        return weights
    if asked != BALANCED:
        raise InputError(
            f"class_weight is {asked!r}: it is None, '{BALANCED}', '{AUTO}', or a mapping of labels to weights"
        )
    shown = _shares(lesson.labeled.require_labels(), len(classes))
    if lesson.generated is not None:
        generated = _shares(lesson.generated.require_labels(), len(classes))
        shown = (1 - generated_share) * shown + generated_share * generated
    return np.divide(1, len(classes) * shown, out=np.zeros_like(shown), where=shown > 0)


def told_of_weight(settled: ClassWeight) -> str:
    """What a settled class weight does, and the option that does otherwise."""
    if settled is None:
        return "no class weights (others with --class-weight balanced)"
    return f"class weights {BALANCED if settled == BALANCED else 'as asked'} (none with --class-weight none)"


def _shares(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    return np.bincount(labels, minlength=classes) / len(labels)


def as_json(asked: ClassWeight) -> list[list[Any]] | str | None:
    """A class weight in JSON values: a mapping as pairs, since JSON's own have words alone for keys."""
    if not isinstance(asked, Mapping):
        return asked
    return [[np.asarray(label).item(), float(weight)] for label, weight in asked.items()]


def from_json(content: list[list[Any]] | str | None) -> ClassWeight:
    """What `as_json` made of it."""
    return {label: weight for label, weight in content} if isinstance(content, list) else content
