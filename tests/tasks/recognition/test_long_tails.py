"""Rare classes without a GAN: logits adjusted to the classes' shares."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from elmyr import Recognizer
from elmyr.metrics import balanced_accuracy
from elmyr.tasks.recognition.learning.class_weights import class_offsets, class_weights
from elmyr.tasks.recognition.learning.labeled_loss import LabeledLoss
from elmyr.tasks.recognition.learning.lesson import Lesson
from tests.conftest import small_image_set

QUICK: dict[str, Any] = {"updates": 60, "batch": 32, "base": 8, "dimension": 16, "device": "cpu"}
CPU = torch.device("cpu")


def overlapping() -> tuple[np.ndarray, np.ndarray]:
    """Images of class 1 look like half of those of class 0, which are more."""
    blobs = small_image_set(200, classes=2)
    return blobs.images, (blobs.require_labels() == 1) * (np.random.default_rng(0).random(200) < 0.3)


def test_the_loss_of_adjusted_logits_is_that_of_balanced_softmax() -> None:
    """Balanced softmax weighs the exponential of each logit by how many images its class has."""
    logits, counts = torch.tensor([[0.3, -1.0, 2.0], [1.0, 0.0, -0.5]]), torch.tensor([70.0, 20.0, 10.0])
    labels = torch.tensor([2, 0])
    loss = LabeledLoss.of(None, np.log(counts.numpy() / 100), CPU)(logits, labels, labels)
    weighted = counts * logits.exp()
    expected = -(weighted[torch.arange(2), labels] / weighted.sum(1)).log().mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert float(loss) != pytest.approx(float(F.cross_entropy(logits, labels)))


def test_logits_are_adjusted_by_what_is_shown_generated_images_among_it() -> None:
    X, y = overlapping()
    rare = y.mean()
    assert class_offsets("logit-adjusted", Lesson.of(X, y), 0.4) == pytest.approx(np.log([1 - rare, rare]))
    filled = Lesson.of(X, y, generated=(X[y == 1], y[y == 1]))
    assert class_offsets("logit-adjusted", filled, 0.4) == pytest.approx(np.log([0.6 * (1 - rare), 0.6 * rare + 0.4]))
    assert class_weights("logit-adjusted", filled, 0.4) is None is class_offsets("balanced", filled, 0.4)


def test_a_class_without_an_image_has_an_offset_all_the_same() -> None:
    X, y = overlapping()
    offsets = class_offsets("logit-adjusted", Lesson.of(X, y, classes=np.arange(3)), 0.5)
    assert offsets is not None and offsets[2] == pytest.approx(np.log(1 / 200))


def test_adjusted_logits_let_the_rare_class_be_read_more_often() -> None:
    X, y = overlapping()
    plain, adjusted = (Recognizer(**QUICK, class_weight=each).fit(X, y).predict(X) for each in (None, "logit-adjusted"))
    assert balanced_accuracy(plain, y) < 0.6 and balanced_accuracy(adjusted, y) > 0.7
