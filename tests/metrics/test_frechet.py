import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torchmetrics.image.fid import _compute_fid

from elmyr.core.errors import InputError
from elmyr.metrics import (
    Gaussian,
    class_frechet_distances,
    frechet_distance,
    frechet_distance_at_infinity,
    frechet_distance_from,
    gaussian_of,
    mean_of_classes,
)
from elmyr.metrics.design import replicates_of
from elmyr.metrics.gaussians.distances import _expanded, _one_by_one
from elmyr.metrics.gaussians.moments import _Streamed, _Together, gaussians_of

seeds = st.integers(0, 2**32 - 1)


def whitened(seed: int, count: int, width: int) -> np.ndarray:
    """Rows whose sample mean is exactly 0 and whose sample covariance is the identity, up to rounding."""
    rows = np.random.default_rng(seed).normal(size=(count, width))
    orthonormal, _ = np.linalg.qr(rows - rows.mean(axis=0))
    return orthonormal * np.sqrt(count - 1)


def test_closed_form_of_diagonal_gaussians() -> None:
    sd_a, sd_b, shift = np.array([1.0, 2.0, 0.5]), np.array([3.0, 0.25, 0.5]), np.array([0.5, -1.0, 4.0])
    a, b = whitened(0, 50, 3) * sd_a, whitened(1, 80, 3) * sd_b + shift
    assert frechet_distance(a, b).value == pytest.approx((shift**2).sum() + ((sd_a - sd_b) ** 2).sum(), rel=1e-8)


ARRAYS = {
    "random": lambda g: (g.normal(size=(300, 24)) @ g.normal(size=(24, 24)), g.normal(size=(200, 24)) + 0.3),
    "rank deficient": lambda g: (g.normal(size=(60, 3)) @ g.normal(size=(3, 24)), g.normal(size=(9, 24))),
    "tiny": lambda g: (g.normal(size=(50, 8)) * 1e-9, g.normal(size=(50, 8)) * 2e-9),
    "huge": lambda g: (g.normal(size=(50, 8)) * 1e9, g.normal(size=(50, 8)) * 2e9 + 1e10),
    "nearly equal": lambda g: ((rows := g.normal(size=(80, 12))), rows * (1 + 1e-9)),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_equals_torchmetrics(kind: str) -> None:
    a, b = ARRAYS[kind](np.random.default_rng(2))
    (mean_a, covariance_a), (mean_b, covariance_b) = (
        [torch.from_numpy(part) for part in gaussian_of(rows)] for rows in (a, b)
    )
    theirs = float(_compute_fid(mean_a, covariance_a, mean_b, covariance_b))
    allowed = 1e-6 * float(covariance_a.trace() + covariance_b.trace())
    assert frechet_distance(a, b).value == pytest.approx(theirs, rel=1e-8, abs=allowed)


def test_swapped_labels_show_inside_the_classes_alone() -> None:
    generator = np.random.default_rng(9)
    labels = np.arange(400) % 4
    a, b = (generator.normal(size=(400, 3)) + 3 * np.eye(4, 3)[labels] for _ in range(2))
    swapped = (labels + (generator.random(400) < 0.3)) % 4
    inside, wrong = (class_frechet_distances(a, labels, b, of_b) for of_b in (labels, swapped))
    assert list(inside) == [0, 1, 2, 3]
    assert mean_of_classes(list(wrong.values())).low > mean_of_classes(list(inside.values())).high
    assert frechet_distance(a, b).value < mean_of_classes(list(inside.values())).value


def test_the_mean_of_classes_is_of_independent_samples() -> None:
    generator = np.random.default_rng(10)
    labels = np.repeat([0, 7], 40)
    a, b = generator.normal(size=(80, 2)), generator.normal(size=(80, 2))
    of_classes = class_frechet_distances(a, labels, b, labels)
    assert of_classes[7].interval == frechet_distance(a[40:], b[40:]).interval
    mean = mean_of_classes(list(of_classes.values()))
    assert mean.value == pytest.approx((of_classes[0].value + of_classes[7].value) / 2)
    sides = [side for one in of_classes.values() for side in (*one.without_real, *one.without_generated)]
    squares = np.array([19 / 20 * ((side - side.mean()) ** 2).sum() for side in sides])  # of 20 groups
    pairs = sum(one.of_pairs.every**2 for one in of_classes.values())
    squared = max(squares.sum() - pairs, pairs)  # counted twice, and once at least
    t = stats.t.ppf(0.975, 19 * squares.sum() ** 2 / (squares**2).sum())
    assert mean.high - mean.value == pytest.approx(t * np.sqrt(squared) / 2)


def test_a_class_with_few_rows_has_no_distance() -> None:
    rows = np.random.default_rng(11).normal(size=(12, 2))
    assert list(class_frechet_distances(rows, [0] * 9 + [1] * 3, rows, [0] * 4 + [1] * 8)) == [0]
    with pytest.raises(InputError, match="give each a number"):
        class_frechet_distances(rows, [0.5] * 12, rows, [0] * 12)


def test_gaussian_by_hand() -> None:
    mean, covariance = gaussian_of([[1, 0], [3, 4]])
    assert mean.tolist() == [2, 2]
    assert covariance.tolist() == [[2, 4], [4, 8]]


def test_rank_deficient_covariances() -> None:
    a = np.zeros((20, 6))
    b = np.zeros((20, 6))
    a[:, 0] = whitened(3, 20, 1)[:, 0] * 2
    b[:, 1] = whitened(4, 20, 1)[:, 0] * 3  # orthogonal supports share nothing: 4 + 9
    assert frechet_distance(a, b).value == pytest.approx(13, rel=1e-8)


def test_few_rows_by_hand() -> None:
    a, b = [[-1.0], [1.0], [-1.0], [1.0]], [[4.0], [8.0], [4.0], [8.0]]  # means 0 and 6, variances 4/3 and 16/3
    assert frechet_distance(a, b).value == pytest.approx(36 + 4 / 3, rel=1e-8)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_scales_with_the_square_of_the_features(scale: float) -> None:
    generator = np.random.default_rng(5)
    a, b = generator.normal(size=(40, 8)), generator.normal(size=(30, 8)) + 1
    scaled = np.array(frechet_distance(a, b).interval) * scale**2
    assert np.array(frechet_distance(a * scale, b * scale).interval) == pytest.approx(scaled, rel=1e-7)


@given(seeds, st.integers(4, 40), st.integers(1, 12))
def test_a_set_is_at_no_distance_from_itself(seed: int, count: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, width)) * 10.0 ** generator.integers(-6, 7, size=width)
    assert frechet_distance(rows, rows).value <= 1e-6 * 2 * rows.var(axis=0, ddof=1).sum()


def test_nearly_equal_sets_are_told_apart() -> None:
    rows = whitened(6, 60, 5)
    assert frechet_distance(rows, rows * 1.001).value == pytest.approx(5 * 0.001**2, rel=1e-6)


@given(seeds, st.integers(4, 30), st.integers(4, 30), st.integers(1, 8))
def test_symmetric_and_independent_of_order(seed: int, count_a: int, count_b: int, width: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.normal(size=(count_a, width)), generator.normal(size=(count_b, width)) * 2
    distance, low, high = frechet_distance(a, b).interval
    assert 0 <= low <= distance <= high
    assert np.array(frechet_distance(b, a).interval) == pytest.approx(
        np.array([distance, low, high]), rel=1e-6, abs=1e-9
    )
    shuffled = frechet_distance(generator.permutation(a), generator.permutation(b))
    assert shuffled.value == pytest.approx(distance, rel=1e-6, abs=1e-9)


def test_leaving_groups_out_by_sums_equals_leaving_rows_out() -> None:
    generator = np.random.default_rng(7)
    rows = generator.normal(size=(60, 4)) * 1e3 + 1e6
    replicates = replicates_of(len(rows))
    for members, found in zip(replicates.members, gaussians_of(rows, replicates), strict=True):
        mean, covariance = gaussian_of(np.delete(rows, members, axis=0))
        assert found.mean == pytest.approx(mean, rel=1e-12)
        assert found.covariance == pytest.approx(covariance, rel=1e-6, abs=1e-3)
    labels = np.repeat([0, 1, 2], [31, 20, 9])
    replicates = replicates_of(len(rows), labels)
    for weights, found in zip(replicates.weights().T[1:], gaussians_of(rows, replicates), strict=True):
        assert found.mean == pytest.approx(weights @ rows, rel=1e-12)
        covariance = np.cov(rows.T, aweights=weights)
        assert found.covariance == pytest.approx(covariance, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("count", [60, 67])  # groups of one size, and some rows in two
@pytest.mark.parametrize("fixed", [False, True])
def test_replicates_together_are_those_one_after_the_other(count: int, fixed: bool) -> None:
    random = np.random.default_rng(14)
    rows, turn = random.normal(size=(count, 4)) + 1e3, random.normal(size=(4, 4))
    replicates = replicates_of(count, np.arange(count) % 3 if fixed else None)
    together, streamed = _Together(rows, replicates), _Streamed(rows, replicates)
    for one, other in zip(together.whole, streamed.whole, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-12)
    (all_of_them,) = together.turned(turn)
    for one, others in zip(all_of_them, zip(*streamed.turned(turn), strict=True), strict=True):
        assert one == pytest.approx(np.concatenate(others), rel=1e-9, abs=1e-11)


SCENES = {
    "alike": lambda random: random.normal(size=(2, 400, 24)),
    "decaying": lambda random: random.normal(size=(2, 400, 24)) * np.exp(-np.arange(24) / 4),
    "unlike": lambda random: random.normal(size=(2, 400, 24)) * np.exp(-np.arange(24) / 8 * [[[1]], [[-1]]]),
    "apart": lambda random: random.normal(size=(2, 400, 24)) + 3 * np.arange(2)[:, None, None],
    "a constant column": lambda random: random.normal(size=(2, 400, 24)) * (np.arange(24) > 0),
}


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("kind", SCENES)
def test_one_decomposition_gives_the_distances_of_all_replicates(kind: str, fixed: bool) -> None:
    a, b = SCENES[kind](np.random.default_rng(13))
    labels = np.arange(400) % 3 if fixed else None
    sides = a, replicates_of(400, labels), b, replicates_of(400, labels)
    exact, found = _one_by_one(*sides), _expanded(*sides)
    assert found.value == pytest.approx(exact.value, rel=1e-9, abs=1e-9)
    scale = np.sqrt(exact.without_real.std() * exact.without_generated.std())
    for one, other in zip(found[1:3], exact[1:3], strict=True):
        assert np.abs(one - other).max() < 0.05 * scale
        assert one.std() == pytest.approx(other.std(), rel=0.02)
        assert abs(19 * (one.mean() - other.mean())) < 0.15 * np.sqrt(19) * scale  # of the bias, beside the error
    assert np.abs(found.interactions - exact.interactions).max() < 0.25 * np.abs(exact.interactions).max()


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_without_the_bias_of_the_counts_more_samples_change_nothing(shift: float) -> None:
    """The truth is 16 shift². With 400 rows the plain distance is 0.3 too high, 5 times its standard deviation.

    The mean of 30 repeats is off by 5 standard errors in fewer than 1 of 10^6 runs; the seed is fixed.
    """
    generator = np.random.default_rng(8)
    pairs = [(generator.normal(size=(400, 16)), generator.normal(size=(400, 16)) + shift) for _ in range(30)]
    plain = np.array([frechet_distance(*pair).value for pair in pairs])
    at_infinity = np.array([frechet_distance_at_infinity(*pair).value for pair in pairs])
    truth = 16 * shift**2
    assert plain.mean() - truth > 0.2
    assert abs(at_infinity.mean() - truth) < max(0.03, 5 * at_infinity.std() / 30**0.5)


@pytest.mark.parametrize(
    ("real", "generated", "complaint"),
    [
        (np.zeros((3, 3)), np.zeros((5, 3)), "the real features have 3 rows"),
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


@pytest.mark.parametrize("count", [60, 15])  # with one decomposition, and one for each replicate
def test_from_statistics_it_is_the_same_and_its_chance_is_that_of_the_generated_rows(count: int) -> None:
    random = np.random.default_rng(0)
    real, generated = random.normal(size=(300, 8)), random.normal(0.5, 2, size=(count, 8))
    known, labels = gaussian_of(real), np.arange(count) % 3
    both = frechet_distance(real, generated)
    for found in (
        frechet_distance_from(known, generated),
        frechet_distance_from(Gaussian(known.mean + 100, known.covariance), generated + 100),
    ):
        assert found.value == pytest.approx(both.value)
        assert found.without_real == () and found.without_generated[0] == pytest.approx(
            both.without_generated[0], rel=1e-2
        )
        assert 0 < found.high - found.low < 1.2 * (both.high - both.low)
    huge = frechet_distance_from(Gaussian(known.mean * 1e90, known.covariance * 1e180), generated * 1e90)
    assert huge.value == pytest.approx(both.value * 1e180)
    assert frechet_distance_from(known, generated, labels=labels).low != found.low
    with pytest.raises(InputError, match="of 8 features, the generated ones are 7: use one extractor"):
        frechet_distance_from(known, generated[:, :7])
