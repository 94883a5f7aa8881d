from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, f1_score

from elmyr.core.errors import InputError
from elmyr.metrics import accuracy, balanced_accuracy, balanced_weights, class_divergence, macro_f1, wilson_interval


def test_accuracy_by_hand() -> None:
    assert accuracy([3, 1, 4, 1], [3, 1, 4, 2]) == 0.75


@pytest.mark.parametrize(
    ("predicted", "expected", "complaint"),
    [([1, 2], [1], "shape"), ([[1]], [[1]], "shape"), ([], [], "no labels"), ([1], [[1], [1]], "shape")],
)
@pytest.mark.parametrize("figure", [accuracy, balanced_accuracy, macro_f1])
def test_labels_that_do_not_match_are_refused(
    figure: Callable[..., float], predicted: list[int], expected: list[int], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        figure(predicted, expected)


def test_balanced_figures_by_hand() -> None:
    # Class 0: 3 of 4 right; class 1: 1 of 2, and one of class 0 is taken for it.
    predicted, expected = [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 1, 1]
    assert balanced_accuracy(predicted, expected) == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert macro_f1(predicted, expected) == pytest.approx((6 / 8 + 2 / 4) / 2)
    assert balanced_weights(expected) == pytest.approx([1 / 8] * 4 + [1 / 4] * 2)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_balanced_figures_equal_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    predicted, expected = np.array(pairs).T
    assert macro_f1(predicted, expected) == pytest.approx(f1_score(expected, predicted, average="macro"), abs=1e-12)
    if set(predicted) <= set(expected) and len(set(expected)) > 1:  # otherwise it warns
        theirs = balanced_accuracy_score(expected, predicted)
        assert balanced_accuracy(predicted, expected) == pytest.approx(theirs, abs=1e-12)


def test_a_class_that_is_never_read_weighs_as_much_as_the_others() -> None:
    expected = np.repeat([0, 1], [98, 2])
    assert accuracy(np.zeros(100, int), expected) == 0.98
    assert balanced_accuracy(np.zeros(100, int), expected) == 0.5


@given(st.integers(1, 10_000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_wilson_interval_equals_scipys(trials: tuple[int, int]) -> None:
    theirs = binomtest(*trials).proportion_ci(0.9, method="wilson")
    assert wilson_interval(*trials, level=0.9) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_interval_of_none_and_all_ends_at_zero_and_one() -> None:
    assert wilson_interval(0, 10)[0] == 0
    assert wilson_interval(10, 10)[1] == 1
    assert wilson_interval(0, 10)[1] == pytest.approx(0.2775, abs=1e-4)


@pytest.mark.parametrize("arguments", [(0, 0), (-1, 5), (6, 5), (1, 5, 1.0), (1, 5, 0.0)])
def test_impossible_counts_are_refused(arguments: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        wilson_interval(*arguments)


def test_class_divergence_equals_scipys() -> None:
    real, generated = [0, 0, 1, 1, 2, 2, 2, 0], [0, 1, 1, 1, 1, 2, 0, 0]
    theirs = jensenshannon([3, 2, 3], [3, 4, 1], base=2) ** 2
    assert class_divergence(real, generated, 3).value == pytest.approx(theirs)
    assert class_divergence(real, real, 3).value == 0
    assert class_divergence([0] * 9, [1] * 9, 2).value == pytest.approx(1)


@pytest.mark.parametrize("labels", [[], [0], [0, 3], [-1, 0]])
def test_labels_outside_the_classes_are_refused(labels: list[int]) -> None:
    with pytest.raises(InputError, match="from 0 to 2"):
        class_divergence(labels, [0, 1], 3)


NAMES = np.array(["cat", "dog"])[[0, 1, 1, 0]]


@pytest.mark.parametrize("take", [accuracy, balanced_accuracy, macro_f1])
def test_labels_are_numbers_or_names_and_the_same_on_both_sides(take: Callable[..., float]) -> None:
    as_objects = NAMES.astype(object), NAMES[[0, 1, 1, 1]].astype(object)  # as a table's column has them
    assert take(*as_objects) == take(NAMES, NAMES[[0, 1, 1, 1]]) == take([0, 1, 1, 0], [0, 1, 1, 1])
    for bad in ([0, 1, 1, 0], [None, 1.0, 1, 0], NAMES.astype("S3"), np.zeros(4, "datetime64[s]"), np.ones(4) * 1j):
        with pytest.raises(InputError):
            take(NAMES, bad)
        with pytest.raises(InputError):
            take(bad, NAMES)


def test_weights_of_what_are_no_labels_are_refused() -> None:
    for bad in ([None, 1.0], [{}, {}], np.zeros(4, "datetime64[s]")):
        with pytest.raises(InputError, match="of the type"):
            balanced_weights(bad)
