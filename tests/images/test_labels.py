"""Labels in the forms that people have them: positions among the classes, or refused with the reason."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.images.dataset.labels import read_labels


@pytest.mark.parametrize(
    ("labels", "numbers", "classes"),
    [
        ([0, 2, 1], [0, 2, 1], ("0", "1", "2")),
        ([1, 3, 10], [0, 1, 2], ("1", "3", "10")),
        ([[1], [0]], [1, 0], ("0", "1")),
        ([1.0, 0.0], [1, 0], ("0", "1")),
        ([True, False], [1, 0], ("0", "1")),
        (["dog", "cat", "dog"], [1, 0, 1], ("cat", "dog")),
        (["10", "9"], [1, 0], ("9", "10")),
        ([b"b", b"a"], [1, 0], ("a", "b")),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 1]], [1, 0, 2], ("0", "1", "2")),
        ([[0.0, 1.0], [1.0, 0.0]], [1, 0], ("0", "1")),
    ],
    ids=str,
)
def test_labels_of_any_form_are_positions_among_their_classes(
    labels: Any, numbers: list[int], classes: tuple[str, ...]
) -> None:
    found = read_labels(np.array(labels))
    assert (found.labels.tolist(), found.classes) == (numbers, classes)
    assert found.labels.dtype == np.int64
    assert bool(found.said) == (np.array(labels).shape[1:] not in ((), (1,)))


def test_names_that_are_given_keep_their_order() -> None:
    assert read_labels(np.array([1, 0, 1]), ("b", "a")).classes == ("b", "a")
    assert read_labels(np.array(["a", "b"]), ("b", "a")).labels.tolist() == [1, 0]


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_the_name_of_a_number_is_the_number_and_no_class_is_empty(numbers: list[int]) -> None:
    found = read_labels(np.array(numbers))
    assert [int(found.classes[label]) for label in found.labels] == numbers
    assert len(found.classes) == len(set(numbers))


@pytest.mark.parametrize(
    ("labels", "classes", "reason"),
    [
        ([-1, 1, 1], (), r"np\.where\(labels > 0, 1, 0\)"),
        ([-1, 0, 1], (), "leave out the images without a label"),
        ([0.5, 1.0], (), "0.5 among them is no whole number"),
        ([float("nan"), 1.0], (), "nan among them is no whole number"),
        ([[1, 1], [0, 1]], (), "several labels"),
        ([[0.2, 0.8], [0.9, 0.1]], (), r"labels\.argmax\(1\)"),
        ([[[0]]], (), "one label per image"),
        ([0, 2], ("a", "b"), "names of 2 classes"),
        (["c"], ("a", "b"), "'c' is none of the 2 classes"),
        ([2**60], (), "more than 15 digits"),
        ([1j], (), "complex128, not whole numbers or names"),
    ],
    ids=str,
)
def test_labels_that_are_none_are_refused_with_the_reason(labels: Any, classes: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_labels(np.array(labels), classes)
