"""What each class counts in a recognizer's loss: weights as scikit-learn has them, or logits adjusted to its share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics import is_unbalanced
from elmyr.tasks.recognition.learning.labeled_loss import LabeledLoss
from elmyr.tasks.recognition.learning.lesson import Lesson

BALANCED, AUTO, ADJUSTED = "balanced", "auto", "logit-adjusted"
ClassWeight = Mapping[Any, float] | str | None


def settled_weight(asked: ClassWeight, lesson: Lesson, *, retrained: bool = False) -> ClassWeight:
    """The same with nothing left open: "auto" is "balanced" where classes differ by 3:1 or more, else None.

    retrained: whether the method balances the classes by itself, in batches of its own; then "auto" is None.
    """
    if asked != AUTO:
        return asked
    return BALANCED if is_unbalanced(lesson.class_counts) and not retrained else None


def class_weights(asked: ClassWeight, lesson: Lesson, generated_share: float) -> NDArray[np.float64] | None:
    """The weight of each of the lesson's classes (K,), or None where all count alike, as they do in adjusted logits.

    "balanced" counts generated images by their share of what is shown, so that without them it is scikit-learn's
    n / (K n_k). InputError for what is no weight, and for labels that are none of the classes.
    """
    asked = settled_weight(asked, lesson)
    if asked is None or asked == ADJUSTED:
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
            f"class_weight is {asked!r}: it is None, '{BALANCED}', '{ADJUSTED}', '{AUTO}', or a mapping of labels to "
            "weights"
        )
    shown = shown_shares(lesson, generated_share)
    return np.divide(1, len(classes) * shown, out=np.zeros_like(shown), where=shown > 0)


def class_offsets(asked: ClassWeight, lesson: Lesson, generated_share: float) -> NDArray[np.float64] | None:
    """What is added to the logit of each class (K,) in training, or None where nothing is.

    "logit-adjusted" adds the log of the class's share of what is shown; a class that is not shown counts as one image.
    """
    if asked != ADJUSTED:
        return None
    return np.log(np.maximum(shown_shares(lesson, generated_share), 1 / len(lesson.labeled)))


def labeled_loss(asked: ClassWeight, lesson: Lesson, generated_share: float, device: torch.device) -> LabeledLoss:
    """The loss that a class weight asks for; InputError as `class_weights` has it."""
    weights, offsets = (told(asked, lesson, generated_share) for told in (class_weights, class_offsets))
    return LabeledLoss.of(weights, offsets, device)


def shown_shares(lesson: Lesson, generated_share: float) -> NDArray[np.float64]:
    """How much of what is shown each class has (K,), generated images among it."""
    labels, generated = lesson.labeled.require_labels(), lesson.generated_shares
    shown = np.bincount(labels, minlength=len(lesson.classes)) / len(labels)
    if generated is None:
        return shown
    return (1 - generated_share) * shown + generated_share * generated


def told_of_weight(settled: ClassWeight, *, retrained: bool = False) -> str:
    """What a settled class weight does, and the option that does otherwise; `retrained` as `settled_weight` has it."""
    if settled is None and retrained:
        return "the last layer is learned anew with all classes alike"
    if settled is None:
        return "no class weights (others with --class-weight balanced)"
    if settled == ADJUSTED:
        return "logits adjusted to the classes' shares (not with --class-weight none)"
    return f"class weights {BALANCED if settled == BALANCED else 'as asked'} (none with --class-weight none)"


def as_json(asked: ClassWeight) -> list[list[Any]] | str | None:
    """A class weight in JSON values: a mapping as pairs, since JSON's own have words alone for keys."""
    if not isinstance(asked, Mapping):
        return asked
    return [[np.asarray(label).item(), float(weight)] for label, weight in asked.items()]


def from_json(content: list[list[Any]] | str | None) -> ClassWeight:
    """What `as_json` made of it."""
    return {label: weight for label, weight in content} if isinstance(content, list) else content
