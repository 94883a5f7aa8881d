import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from elmyr.core.errors import InputError
from elmyr.metrics import discriminator_accuracy, diversity


def test_pairs_told_apart_are_the_area_under_the_roc_curve() -> None:
    generator = np.random.default_rng(0)
    real, generated = generator.normal(size=60).round(1) + 0.5, generator.normal(size=80).round(1)
    theirs = roc_auc_score([1] * 60 + [0] * 80, np.concatenate([real, generated]))
    found = discriminator_accuracy(real, generated)
    assert found.value == pytest.approx(theirs, abs=1e-12)
    assert found.low < found.value < found.high
    assert discriminator_accuracy(generated, real).value == pytest.approx(1 - theirs, abs=1e-12)


def test_what_is_always_and_never_told_apart() -> None:
    assert discriminator_accuracy(np.arange(10) + 100, np.arange(10)).value == 1
    assert discriminator_accuracy(np.zeros(10), np.zeros(8)).value == 0.5


def test_diversity_is_the_mean_distance_inside_a_class() -> None:
    generator = np.random.default_rng(1)
    rows, labels = generator.normal(size=(30, 4)), np.arange(30) % 3
    expected = np.mean(
        [
            np.mean([np.linalg.norm(x - y) for i, x in enumerate(of) for j, y in enumerate(of) if i != j])
            for of in (rows[labels == label] for label in range(3))
        ]
    )
    found = diversity(rows, labels)
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high
    assert diversity(rows * 2, labels).value == pytest.approx(2 * expected)
    assert diversity(np.repeat(rows[:3], 10, axis=0), np.repeat(np.arange(3), 10)).interval == (0, 0, 0)


def test_a_class_of_too_few_images_is_refused() -> None:
    with pytest.raises(InputError, match="class 1 has 3 images"):
        diversity(np.zeros((8, 2)), [0, 0, 0, 0, 0, 1, 1, 1])
    with pytest.raises(InputError, match="labels of the shape"):
        diversity(np.zeros((8, 2)), [0, 1])
