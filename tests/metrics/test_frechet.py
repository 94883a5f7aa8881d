import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.image.fid import _compute_fid

from elmyr.errors import InputError
from elmyr.metrics import frechet_distance, gaussian_of

seeds = st.integers(0, 2**32 - 1)


def whitened(seed: int, count: int, width: int) -> np.ndarray:
    """Rows whose sample mean is exactly 0 and whose sample covariance is the identity, up to rounding."""
    rows = np.random.default_rng(seed).normal(size=(count, width))
    orthonormal, _ = np.linalg.qr(rows - rows.mean(axis=0))
    return orthonormal * np.sqrt(count - 1)


def test_closed_form_of_diagonal_gaussians() -> None:
    sd_a, sd_b, shift = np.array([1.0, 2.0, 0.5]), np.array([3.0, 0.25, 0.5]), np.array([0.5, -1.0, 4.0])
    a, b = whitened(0, 50, 3) * sd_a, whitened(1, 80, 3) * sd_b + shift
    assert frechet_distance(a, b) == pytest.approx((shift**2).sum() + ((sd_a - sd_b) ** 2).sum(), rel=1e-8)


def test_equals_torchmetrics() -> None:
    generator = np.random.default_rng(2)
    a = generator.normal(size=(300, 24)) @ generator.normal(size=(24, 24))
    b = generator.normal(size=(200, 24)) @ generator.normal(size=(24, 24)) + 0.3
    (mean_a, covariance_a), (mean_b, covariance_b) = (
        [torch.from_numpy(part) for part in gaussian_of(rows)] for rows in (a, b)
    )
    theirs = float(_compute_fid(mean_a, covariance_a, mean_b, covariance_b))
    assert frechet_distance(a, b) == pytest.approx(theirs, rel=1e-8)


def test_gaussian_by_hand() -> None:
    mean, covariance = gaussian_of([[1, 0], [3, 4]])
    assert mean.tolist() == [2, 2]
    assert covariance.tolist() == [[2, 4], [4, 8]]


def test_rank_deficient_covariances() -> None:
    a = np.zeros((20, 6))
    b = np.zeros((20, 6))
    a[:, 0] = whitened(3, 20, 1)[:, 0] * 2
    b[:, 1] = whitened(4, 20, 1)[:, 0] * 3  # orthogonal supports share nothing: 4 + 9
    assert frechet_distance(a, b) == pytest.approx(13, rel=1e-8)


def test_two_rows_each() -> None:
    assert frechet_distance([[-1.0], [1.0]], [[4.0], [8.0]]) == pytest.approx(36 + 2 * (2 - 1) ** 2, rel=1e-8)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_scales_with_the_square_of_the_features(scale: float) -> None:
    generator = np.random.default_rng(5)
    a, b = generator.normal(size=(40, 8)), generator.normal(size=(30, 8)) + 1
    assert frechet_distance(a * scale, b * scale) == pytest.approx(frechet_distance(a, b) * scale**2, rel=1e-8)


@given(seeds, st.integers(2, 40), st.integers(1, 12))
def test_a_set_is_at_no_distance_from_itself(seed: int, count: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, width)) * 10.0 ** generator.integers(-6, 7, size=width)
    assert frechet_distance(rows, rows) <= 1e-6 * 2 * rows.var(axis=0, ddof=1).sum()


def test_nearly_equal_sets_are_told_apart() -> None:
    rows = whitened(6, 60, 5)
    assert frechet_distance(rows, rows * 1.001) == pytest.approx(5 * 0.001**2, rel=1e-6)


@given(seeds, st.integers(2, 30), st.integers(2, 30), st.integers(1, 8))
def test_symmetric_and_independent_of_order(seed: int, count_a: int, count_b: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(count_a, width)), generator.normal(size=(count_b, width)) * 2
    distance = frechet_distance(a, b)
    assert distance >= 0
    assert frechet_distance(b, a) == pytest.approx(distance, rel=1e-6, abs=1e-9)
    shuffled = frechet_distance(generator.permutation(a), generator.permutation(b))
    assert shuffled == pytest.approx(distance, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("real", "generated", "complaint"),
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), "the real features have 1 rows"),
        (np.zeros((5, 3)), np.zeros((0, 3)), "the generated features have 0 rows"),
        (np.zeros((5, 3)), np.zeros((5, 4)), "one extractor"),
        (np.zeros(5), np.zeros((5, 4)), r"shape \(5,\)"),
        (np.zeros((5, 3)), np.full((5, 3), np.nan), "the generated features hold NaN"),
        (np.full((5, 3), np.inf), np.zeros((5, 3)), "the real features hold NaN or infinity"),
    ],
)
def test_unusable_features_are_refused(real: np.ndarray, generated: np.ndarray, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as refusal:
        frechet_distance(real, generated)
    assert "\n" not in str(refusal.value)
