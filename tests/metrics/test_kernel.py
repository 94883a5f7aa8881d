import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from elmyr.core.errors import InputError
from elmyr.metrics import fixed_design, kernel, kernel_distance
from elmyr.metrics.design import replicates_of


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
    a, b = generator.normal(size=(40, 3)), generator.normal(size=(60, 3)) * 1.3
    left_a, left_b = (
        [np.delete(rows, members, axis=0) for members in replicates_of(len(rows)).members] for rows in (a, b)
    )
    without_a, without_b = np.array([by_brute_force(x, b) for x in left_a]), [by_brute_force(a, y) for y in left_b]
    found, value = kernel_distance(a, b), by_brute_force(a, b)
    assert found.without_real[0] == pytest.approx(without_a, rel=1e-9)
    assert found.without_generated[0] == pytest.approx(without_b, rel=1e-9)
    of_sides = np.array([19 * np.var(left_out) for left_out in (without_a, without_b)])
    jackknifed = of_sides.sum()
    both = np.array([[by_brute_force(x, y) for y in left_b] for x in left_a])
    pairs = 19**2 * ((value - without_a[:, None] - without_b + both) ** 2).mean() * 100**2 / (2 * 40 * 60)
    variance = max(jackknifed - pairs, pairs)
    freedom = 19 * of_sides.sum() ** 2 / (of_sides**2).sum()
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, freedom) * variance**0.5, rel=1e-9)


def test_with_fixed_labels_pairs_inside_a_class_count_by_its_share() -> None:
    generator = np.random.default_rng(4)
    labels = np.repeat([0, 1, 2, 3], [9, 6, 4, 1])  # the class of one is taken together with the class of four
    a, b = generator.normal(size=(20, 3)) + labels[:, None], generator.normal(size=(20, 3)) + labels[:, None]
    found = kernel_distance(a, b, design=fixed_design(labels, labels)).value

    def within(rows: np.ndarray) -> float:
        table, strata = (rows @ rows.T / 3 + 1) ** 3, np.minimum(labels, 2)
        total = 0.0
        for first in range(3):
            for second in range(3):
                block = table[strata == first][:, strata == second]
                apart = ~np.eye(len(block), dtype=bool) if first == second else np.ones(block.shape, bool)
                total += block[apart].mean() * (strata == first).mean() * (strata == second).mean()
        return total

    assert found == pytest.approx(within(a) + within(b) - 2 * ((a @ b.T / 3 + 1) ** 3).mean(), rel=1e-9)


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
