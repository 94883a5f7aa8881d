import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from elmyr.core.errors import InputError
from elmyr.metrics import (
    Balls,
    balls_of,
    density_coverage,
    distances,
    groups_of,
    nearest,
    precision_recall,
    realism,
    wilson_interval,
)


def values(real: ArrayLike | Balls, generated: ArrayLike | Balls, k: int = 3) -> tuple[float, float]:
    precision, recall = precision_recall(real, generated, k)
    assert all(0 <= figure.low <= figure.value <= figure.high <= 1 for figure in (precision, recall))
    return precision.value, recall.value


def by_brute_force(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    def inside(points: np.ndarray, centers: np.ndarray) -> float:
        hits = 0
        radii = [
            sorted(((center - other) ** 2).sum() for j, other in enumerate(centers) if j != i)[k - 1]
            for i, center in enumerate(centers)
        ]
        for point in points:
            hits += any(((point - center) ** 2).sum() <= radius for center, radius in zip(centers, radii, strict=True))
        return hits / len(points)

    return inside(generated, real), inside(real, generated)


def test_by_hand() -> None:
    real = np.array([[0.0], [1.0], [2.0], [10.0]])  # k=1: balls of radius 1, 1, 1 and 8 reach from −1 to 18
    generated = np.array([[-1.0], [-1.5], [18.0], [18.5]])  # radii 0.5, 0.5, 0.5, 0.5 reach no real row
    assert values(real, generated, k=1) == (0.5, 0.0)


@given(
    seed=st.integers(0, 2**32 - 1),
    real=st.integers(5, 25),
    generated=st.integers(5, 25),
    width=st.integers(1, 6),
    k=st.integers(1, 4),
    offset=st.sampled_from([0.0, 0.1, 1e6]),
    lattice=st.booleans(),
)
def test_equals_brute_force_with_ties_and_duplicates(
    seed: int, real: int, generated: int, width: int, k: int, offset: float, lattice: bool
) -> None:
    generator = np.random.default_rng(seed)
    if lattice:  # few places, so many duplicates and many distances exactly equal to a radius
        a, b = generator.integers(0, 3, (real, width)) / 10, generator.integers(0, 3, (generated, width)) / 10
    else:
        a, b = generator.normal(size=(real, width)), generator.normal(size=(generated, width))
    assert values(a + offset, b + offset, k) == by_brute_force(a + offset, b + offset, k)


# Few places, so that many rows lie exactly on a boundary; tenths and thirds, which tie but for the last bits.
KINDS = {
    "continuous": lambda random, shape: random.normal(size=shape),
    "integer": lambda random, shape: random.integers(0, 3, shape).astype(float),
    "tenths": lambda random, shape: random.integers(0, 3, shape) / 10 + 0.7,
    "near ties": lambda random, shape: (
        random.integers(0, 3, shape) / 3 * (1 + random.integers(-2, 3, shape) * 2.0**-52)
    ),
    "far from 0": lambda random, shape: random.integers(0, 3, shape) / 10 + 1e7,
    "constant": lambda random, shape: np.full(shape, 0.1),
    "tiny": lambda random, shape: random.integers(0, 3, shape) * 1e-99,
    "huge": lambda random, shape: random.integers(0, 3, shape) * 1e99,
    "one far away": lambda random, shape: random.integers(0, 3, shape) / 10 + 1e8 * np.eye(*shape),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize(("width", "k"), [(1, 1), (3, 5), (16, 3)])
def test_every_figure_of_neighbors_is_that_of_differences_ties_included(
    kind: str, copied: bool, width: int, k: int
) -> None:
    random = np.random.default_rng(12)
    a, b = KINDS[kind](random, (80, width)), KINDS[kind](random, (60, width))
    b = a[:60].copy() if copied else b
    around, across = ((a[:, None] - a) ** 2).sum(axis=2), ((a[:, None] - b) ** 2).sum(axis=2)
    radii = np.sort(around, axis=1)[:, k]
    inside = across <= radii[:, None]
    density, coverage = density_coverage(a, b, k)
    assert density.value == pytest.approx(inside.sum() / (k * len(b)), rel=1e-12)
    assert coverage.value == inside.any(axis=1).mean()
    of_generated = np.sort(((b[:, None] - b) ** 2).sum(axis=2), axis=1)[:, k]
    assert values(a, b, k) == (inside.any(axis=0).mean(), (across <= of_generated).any(axis=1).mean())
    assert (nearest(b, a).distances == np.sqrt(across.min(axis=0))).all()
    assert (nearest(b, a).places == across.argmin(axis=0)).all()
    kept = np.argsort(radii, kind="stable")[:40]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(across[kept] > 0, radii[kept, None] / across[kept], np.inf)
    assert (realism(a, b, k) == np.sqrt(ratios.max(axis=0))).all()


def test_the_nearest_is_found_far_from_the_origin() -> None:
    random = np.random.default_rng(11)
    rows, others = random.normal(size=(2, 300, 4)) + 1e7
    apart = np.linalg.norm(rows[:, None] - others, axis=2)
    assert (nearest(rows, others).places == apart.argmin(axis=1)).all()


def test_density_with_a_group_left_out_is_that_of_the_other_rows() -> None:
    generator = np.random.default_rng(7)
    a, b = generator.normal(size=(60, 3)), generator.normal(size=(40, 3))
    (found,) = density_coverage(a, b, 5)[0].without_real
    for group in range(20):
        left = a[groups_of(60) != group]
        assert found[group] == pytest.approx(density_coverage(left, b)[0].value)


def test_the_interval_of_density_holds_what_few_rows_can_have_missed() -> None:
    generator = np.random.default_rng(0)
    real = generator.normal(size=(40, 2))
    far, _ = density_coverage(real, real + 100)
    assert far.interval == pytest.approx((0.0, 0.0, wilson_interval(0, 40)[1]))
    draws = [density_coverage(*generator.normal(size=(2, 6, 2)))[0].interval for _ in range(100)]
    found, low, high = np.array(draws).T
    assert (low < high).all()
    assert ((low <= found.mean()) & (found.mean() <= high)).mean() > 0.9


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6])
def test_radii_are_exact_to_the_bit_among_near_ties(offset: float) -> None:
    """Tenths are no binary fractions: distances that ought to tie differ in the last bits."""
    rows = np.random.default_rng(6).integers(0, 3, (80, 5)) / 10 + offset
    squared = ((rows[:, None] - rows) ** 2).sum(axis=2)
    for k in (1, 3, 10, 40):
        by_sorting = np.sort(squared, axis=1)[:, k]  # a row itself comes first
        assert balls_of(rows, k).squared_radii.tolist() == by_sorting.tolist()


def test_balls_take_the_place_of_features() -> None:
    generator = np.random.default_rng(8)
    a, b = generator.normal(size=(60, 3)), generator.normal(size=(40, 3))
    assert values(balls_of(a, 3), balls_of(b, 3)) == values(a, b)
    assert density_coverage(balls_of(a, 5), b)[0].interval == density_coverage(a, b)[0].interval
    with pytest.raises(InputError, match="the real balls reach to neighbor 5, not 3"):
        precision_recall(balls_of(a, 5), b)


def test_more_ties_than_are_looked_at_at_once_do_not_matter() -> None:
    """A hundred rows at next to the same distance, far from the mean of all: only differences tell which is third."""
    around = np.random.default_rng(9).normal(size=(100, 4))
    around *= (1 + np.arange(100) * 1e-13)[:, None] / np.linalg.norm(around, axis=1, keepdims=True)
    rows = np.concatenate([np.zeros((1, 4)), around, np.full((100, 4), 1e3)])
    assert balls_of(rows, 3).squared_radii[0] == np.sort((rows**2).sum(axis=1))[3]


def test_realism_is_the_largest_ratio_of_radius_and_distance() -> None:
    generator = np.random.default_rng(10)
    a, b = generator.normal(size=(50, 3)), generator.normal(size=(30, 3)) * 2
    radii = np.sort(np.linalg.norm(a[:, None] - a, axis=2), axis=1)[:, 3]
    kept = np.argsort(radii)[:25]
    expected = (radii[kept, None] / np.linalg.norm(a[kept, None] - b, axis=2)).max(axis=0)
    assert realism(a, b) == pytest.approx(expected)
    assert realism(a, a[kept[:2]]).tolist() == [np.inf, np.inf]
    assert realism(a, b[:1] + 1e9)[0] == pytest.approx(0, abs=1e-6)


def test_duplicates_lie_in_their_own_ball_of_radius_zero() -> None:
    rows = np.repeat(np.random.default_rng(1).normal(size=(10, 128)) + 100, 4, axis=0)
    assert values(rows, rows.copy(), k=3) == (1.0, 1.0)
    assert values(rows, np.nextafter(rows, np.inf), k=3) == (0.0, 0.0)


def test_block_size_and_order_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(120, 6)), generator.normal(size=(90, 6)) * 1.2
    whole = values(a, b)
    assert 0 < whole[0] < 1
    assert 0 < whole[1] < 1
    assert values(generator.permutation(a), generator.permutation(b)) == whole
    monkeypatch.setattr(distances, "BLOCK", 500)
    assert values(a, b) == whole


def test_real_and_generated_change_places() -> None:
    generator = np.random.default_rng(3)
    a, b = generator.normal(size=(60, 4)), generator.normal(size=(50, 4)) * 2
    assert values(a, b) == values(b, a)[::-1]


def test_a_collapsed_generator_has_precision_without_recall() -> None:
    generator = np.random.default_rng(4)
    real = generator.normal(size=(200, 2))
    precision, recall = values(real, real[:1] + generator.normal(size=(200, 2)) * 1e-3)
    assert precision > 0.99
    assert recall < 0.05


def test_memory_does_not_grow_with_the_square_of_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(5).normal(size=(2000, 8))
    monkeypatch.setattr(distances, "BLOCK", 50_000)
    tracemalloc.start()
    try:
        values(rows, rows + 0.01)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6  # one whole matrix of distances is 32 MB


@pytest.mark.parametrize(
    ("real", "generated", "k", "complaint"),
    [
        (np.zeros((3, 2)), np.zeros((9, 2)), 3, "the real features have 3 rows: give at least 4"),
        (np.zeros((9, 2)), np.zeros((3, 2)), 3, "the generated features have 3 rows: give at least 4"),
        (np.zeros((9, 2)), np.zeros((9, 2)), 0, "k is 0"),
        (np.zeros((9, 2)), np.zeros((9, 3)), 3, "one extractor"),
        (np.zeros((9, 2)), np.full((9, 2), np.nan), 3, "NaN"),
        (np.zeros((9, 2)), np.full((9, 2), 1e155), 3, "reach to 1e.155, and their squares leave float64"),
        (np.full((9, 2), 1e-155), np.zeros((9, 2)), 3, "reach to 1e-155, and their squares leave float64"),
    ],
)
def test_unusable_input_is_refused(real: np.ndarray, generated: np.ndarray, k: int, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        values(real, generated, k)
