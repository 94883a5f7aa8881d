"""Recall class by class: by hand, against scikit-learn, and that the interval of their mean holds."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import balanced_accuracy_score, recall_score

from elmyr.core.errors import InputError
from elmyr.metrics import chance_of, half_width, is_unbalanced, mean_recall, ratio_of, recalls_of, wilson_interval


@pytest.mark.parametrize(
    ("confusion", "chance"),
    [
        ([[9, 1, 0], [1, 8, 1], [0, 1, 9]], None),
        ([[4, 3, 3], [3, 4, 3], [3, 3, 4]], 1 / 3),
        ([[90, 0], [9, 0]], 1 / 2),
        ([[5, 5, 0], [5, 5, 0], [0, 0, 0]], 1 / 2),
        ([[5, 0], [0, 0]], None),
    ],
)
def test_what_is_no_better_than_guessing_is_known(confusion: list[list[int]], chance: float | None) -> None:
    assert chance_of(confusion) == chance


def test_the_lowest_recall_comes_first_and_of_equals_the_rarest_class() -> None:
    confusion = np.diag([40, 2, 6]) + np.array([[0, 0, 10], [0, 0, 0], [1, 1, 0]])
    found = recalls_of(confusion)
    assert [(each.label, each.count, each.right) for each in found] == [(2, 8, 6), (0, 50, 40), (1, 2, 2)]
    assert found[0].share == (0.75, *wilson_interval(6, 8))
    assert [each.label for each in recalls_of(np.diag([9, 0, 3]))] == [2, 0]  # a class without images has none


def test_the_mean_is_the_balanced_accuracy() -> None:
    random = np.random.default_rng(0)
    labels, read = np.repeat([0, 1, 2], [60, 20, 5]), random.integers(0, 3, 85)
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (labels, read), 1)
    assert mean_recall(confusion).value == pytest.approx(balanced_accuracy_score(labels, read))
    by_class = {each.label: each.share.value for each in recalls_of(confusion)}
    assert [by_class[label] for label in range(3)] == pytest.approx(recall_score(labels, read, average=None))


def test_the_interval_of_the_mean_by_hand() -> None:
    found = mean_recall([[9, 1], [0, 2]])
    (low, high), (other_low, _) = wilson_interval(9, 10), wilson_interval(2, 2)
    assert found.low == pytest.approx(0.95 - sqrt((0.9 - low) ** 2 + (1 - other_low) ** 2) / 2)
    alike = 4 / (1 / 10 + 1 / 2)
    assert found.high == pytest.approx(max(0.95 + (high - 0.9) / 2, wilson_interval(0.95 * alike, alike)[1]))
    assert mean_recall([[4, 1], [0, 0]]) == (0.8, *(pytest.approx(end) for end in wilson_interval(4, 5)))


@pytest.mark.parametrize(
    ("counts", "chances"),
    [
        ((50, 15, 2), (0.95, 0.8, 0.5)),
        ((50, 15, 2), (0.99, 0.9, 0.9)),
        ((50, 15, 2), (0.9, 0.6, 0.1)),
        ((10,) * 10, (0.98,) * 10),
        ((10,) * 10, (0.02,) * 10),
    ],
)
def test_the_interval_of_the_mean_holds_the_truth_with_two_images_of_a_class_and_where_most_classes_are_all_right(
    counts: tuple[int, ...], chances: tuple[float, ...]
) -> None:
    """In 93 of 100 or more; were it exactly 93 of 100, this would fail by chance once in a million times or less."""
    random, repeats, covered = np.random.default_rng(1), 1500, 0
    for _ in range(repeats):
        right = random.binomial(counts, chances)
        found = mean_recall(np.diag(right) + np.roll(np.diag(np.array(counts) - right), 1, axis=1))
        covered += found.low <= np.mean(chances) <= found.high
    assert covered >= binom.ppf(1e-6, repeats, 0.93)


@pytest.mark.parametrize(
    ("counts", "ratio", "unbalanced"),
    [([3, 1], 3, True), ([29, 10], 2.9, False), ([200, 60, 9], 200 / 9, True), ([5, 0], 1, False), ([], 1, False)],
)
def test_classes_that_differ_by_three_to_one_are_unbalanced(counts: list, ratio: float, unbalanced: bool) -> None:
    assert ratio_of(counts) == pytest.approx(ratio)
    assert is_unbalanced(counts) is unbalanced is is_unbalanced([7, 7], counts)


def test_two_images_say_little_and_ten_more() -> None:
    assert [round(100 * half_width(count)) for count in (1, 2, 9, 10, 100)] == [40, 41, 27, 26, 10]


@pytest.mark.parametrize("confusion", [[1, 2], [[1, 2, 3]], [[1, -1], [0, 1]]])
def test_what_is_no_table_of_counts_is_refused(confusion: list) -> None:
    with pytest.raises(InputError, match="give counts"):
        recalls_of(confusion)
    with pytest.raises(InputError, match="no labels"):
        mean_recall([[0, 0], [0, 0]])
