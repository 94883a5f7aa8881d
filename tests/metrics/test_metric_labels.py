import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import binomtest

from elmyr.errors import InputError
from elmyr.metrics import accuracy, class_divergence, wilson_interval


def test_accuracy_by_hand() -> None:
    assert accuracy([3, 1, 4, 1], [3, 1, 4, 2]) == 0.75


@pytest.mark.parametrize(
    ("predicted", "expected", "complaint"),
    [([1, 2], [1], "shape"), ([[1]], [[1]], "shape"), ([], [], "no labels"), ([1], [[1], [1]], "shape")],
)
def test_labels_that_do_not_match_are_refused(predicted: list[int], expected: list[int], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        accuracy(predicted, expected)


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
