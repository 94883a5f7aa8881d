"""Figures by the conventions of other packages, against their formulas written anew."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances
from torchmetrics.image.kid import maximum_mean_discrepancy

from elmyr.core.errors import InputError
from elmyr.metrics import inception_score, kernel_distance, precision_recall
from elmyr.metrics.published import neighbor_shares, scores_of_splits, subset_kernel_distances


def features(seed: int, count: int, width: int = 6, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, size=(count, width))


def test_each_subset_is_the_kernel_distance_of_its_rows() -> None:
    real, generated = features(0, 60), features(1, 50, shift=0.4)
    found = subset_kernel_distances(real, generated, subsets=5, size=20, seed=2020)
    random = np.random.RandomState(2020)
    for value in found:
        made = generated[random.choice(50, 20, replace=False)]
        chosen = real[random.choice(60, 20, replace=False)]
        assert value == pytest.approx(as_torchmetrics(chosen, made))
        assert value == pytest.approx(kernel_distance(chosen, made).value)
    with pytest.raises(InputError, match="50 rows: give at least 51"):
        subset_kernel_distances(real, generated, subsets=5, size=51, seed=0)


def as_torchmetrics(real: np.ndarray, generated: np.ndarray) -> float:
    a, b = torch.from_numpy(real), torch.from_numpy(generated)
    kernels = [(x @ y.T / x.shape[1] + 1) ** 3 for x, y in ((a, a), (a, b), (b, b))]
    return float(maximum_mean_discrepancy(*kernels))


def test_a_split_is_scored_as_all_images_are() -> None:
    rows = np.random.default_rng(0).dirichlet([0.3] * 5, size=47)
    rows[3] = [1, 0, 0, 0, 0]
    found = scores_of_splits(rows, splits=4, seed=None)
    parts = rows[:11], rows[11:23], rows[23:35], rows[35:]
    assert found == pytest.approx([inception_score(part).value for part in parts])
    shuffled = rows[np.random.RandomState(2020).permutation(47)]
    by_seed, in_order = scores_of_splits(rows, splits=10, seed=2020), scores_of_splits(shuffled, splits=10, seed=None)
    assert by_seed == pytest.approx(in_order)
    with pytest.raises(InputError, match="N at least 48"):
        scores_of_splits(rows, splits=48, seed=None)


def as_prdc(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, ...]:
    """Naeem et al. 2020, with < as their package has it."""
    radii, of_generated = (np.sort(pairwise_distances(rows), axis=1)[:, k] for rows in (real, generated))
    apart = pairwise_distances(real, generated)
    inside = apart < radii[:, None]
    return (
        float(inside.any(axis=0).mean()),
        float((apart < of_generated).any(axis=1).mean()),
        float(inside.sum(axis=0).mean() / k),
        float((apart.min(axis=1) < radii).mean()),
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_shares_of_neighbors_are_those_of_all_distances(seed: int, k: int) -> None:
    real, generated = features(seed, 40), features(seed + 1, 30, shift=0.3)
    assert neighbor_shares(real, generated, k, inclusive=False) == pytest.approx(as_prdc(real, generated, k))
    inclusive = neighbor_shares(real, generated, k, inclusive=True)
    ours = [estimate.value for estimate in precision_recall(real, generated, k)]
    assert [inclusive.precision, inclusive.recall] == ours


def test_at_ties_a_boundary_decides_as_it_is_stated() -> None:
    grid = np.array([[0.0], [1.0], [2.0], [3.0]])  # each radius is 1, and each neighbor lies at it
    assert neighbor_shares(grid, grid + 1, 1, inclusive=True) == (1, 1, (3 + 3 + 2 + 1) / 4, 1)
    assert neighbor_shares(grid, grid + 1, 1, inclusive=False) == (0.75, 0.75, 0.75, 0.75)
    same = np.ones((6, 2))  # copies: each radius is 0
    assert neighbor_shares(same, same, 3, inclusive=True)[:2] == (1, 1)
    assert neighbor_shares(same, same, 3, inclusive=False) == (0, 0, 0, 0)
