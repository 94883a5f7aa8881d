import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmyr.core.errors import InputError
from elmyr.metrics import kernel, kernel_distance


def by_brute_force(a: np.ndarray, b: np.ndarray) -> float:
    def value(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / len(x) + 1) ** 3

    within_a = [value(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j]
    within_b = [value(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j]
    across = [value(x, y) for x in a for y in b]
    return float(np.mean(within_a) + np.mean(within_b) - 2 * np.mean(across))


@given(st.integers(0, 2**32 - 1), st.integers(4, 30), st.integers(4, 30), st.integers(1, 6))
def test_equals_brute_force(seed: int, real: int, generated: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(real, width)), generator.normal(size=(generated, width)) + 0.5
    found = kernel_distance(a, b)
    assert found.value == pytest.approx(by_brute_force(a, b), rel=1e-9, abs=1e-9)
    assert found.low <= found.value <= found.high


def test_the_interval_is_that_of_rows_left_out_in_groups() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.normal(size=(45, 3)), generator.normal(size=(60, 3)) * 1.3
    variance = 0.0
    for left_out in (
        [by_brute_force(a[np.arange(45) % 20 != group], b) for group in range(20)],
        [by_brute_force(a, b[np.arange(60) % 20 != group]) for group in range(20)],
    ):
        variance += 19 / 20 * ((np.array(left_out) - np.mean(left_out)) ** 2).sum()
    found = kernel_distance(a, b)
    assert found.high - found.value == pytest.approx(2.093024 * variance**0.5, rel=1e-5)  # t of 19 degrees of freedom


def test_symmetric_and_independent_of_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(50, 4)), generator.normal(size=(40, 4)) + 1
    whole = kernel_distance(a, b).interval
    assert kernel_distance(b, a).interval == pytest.approx(whole, rel=1e-9)
    monkeypatch.setattr(kernel, "BLOCK", 100)
    assert kernel_distance(a, b).interval == pytest.approx(whole, rel=1e-9)


def test_is_zero_on_average_for_equal_distributions() -> None:
    """The mean of 200 unbiased values; 5 standard errors are passed in fewer than 1 of 10^6 runs, the seed is fixed."""
    generator = np.random.default_rng(3)
    found = [kernel_distance(*generator.normal(size=(2, 40, 3))).value for _ in range(200)]
    assert abs(np.mean(found)) < 5 * np.std(found) / 200**0.5
    assert min(found) < 0 < max(found)


def test_too_few_and_unequal_features_are_refused() -> None:
    with pytest.raises(InputError, match="3 rows"):
        kernel_distance(np.zeros((3, 2)), np.zeros((9, 2)))
    with pytest.raises(InputError, match="one extractor"):
        kernel_distance(np.zeros((9, 2)), np.zeros((9, 3)))
