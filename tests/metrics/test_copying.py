"""Copies are found, real and typical rows are not taken for copies, and each figure is what it is by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu

from elmyr.core.errors import InputError
from elmyr.metrics import (
    authenticity,
    cells_of,
    centers_of,
    copying_statistic,
    distance_ratio,
    doubles,
    nearest,
    training_is_nearest,
)

RANDOM = np.random.default_rng(0)


def test_the_nearest_is_that_of_all_distances_and_a_copy_is_at_zero() -> None:
    training = RANDOM.normal(1000, 1, (300, 5))  # far from the origin, where rounding is worst
    rows = np.concatenate([RANDOM.normal(1000, 1, (50, 5)), training[:7]])
    found = nearest(rows, training)
    apart = cdist(rows, training)
    assert (found.places == apart.argmin(axis=1)).all()
    assert found.distances == pytest.approx(apart.min(axis=1), abs=1e-9)
    assert (found.distances[-7:] == 0).all()
    others = nearest(training, training, but=np.arange(300))
    np.fill_diagonal(itself := cdist(training, training), np.inf)
    assert (others.places == itself.argmin(axis=1)).all()


def test_rows_that_were_made_without_the_training_rows_are_as_often_nearest_to_them_as_chance_has_it() -> None:
    deviations = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        training, held_out, made = (random.normal(size=(count, 3)) for count in (200, 100, 150))
        made = made * 0.3  # more typical than real rows are: C_T would cry copying
        a, b = nearest(made, training), nearest(made, held_out)
        which = np.where(a.distances <= b.distances, a.places, 200 + b.places)
        found = training_is_nearest(a.distances, b.distances, np.full(150, 2 / 3), which)
        assert found.expected == pytest.approx(2 / 3)
        deviations.append(found.deviations)
    assert abs(np.mean(deviations)) < 0.4  # 3 standard errors
    assert 0.7 < np.std(deviations) < 1.3


def test_a_collapsed_generator_is_no_copying_one() -> None:
    training, held_out = np.arange(4.0)[:, None], np.arange(4.0)[:, None] + 0.5
    made = np.full((1000, 1), 1.1)
    a, b = nearest(made, training), nearest(made, held_out)
    found = training_is_nearest(a.distances, b.distances, np.full(1000, 0.5), a.places)
    assert found.share == 1
    assert found.deviations == pytest.approx(1)  # one draw, with even chances


def test_ratio_doubles_and_authenticity_by_hand() -> None:
    to_training, to_held_out = [0.0, 1.0, 2.0, 3.0, 0.0], [4.0, 2.0, 3.0, 3.0, 0.0]
    assert distance_ratio(to_training, to_held_out).value == pytest.approx(6 / 12)
    assert doubles(to_training, to_held_out).value == pytest.approx(2 / 5)  # what both sides hold is no double
    assert authenticity(to_training, [1.0, 0.5, 2.0, 4.0, 0.0]).value == pytest.approx(1 / 5)
    with pytest.raises(InputError, match="keep held-out images apart"):
        distance_ratio([1.0, 2.0], [0.0, 0.0])


def test_the_statistic_is_the_mean_of_the_cells_mann_whitney() -> None:
    ours, theirs = RANDOM.random(60), RANDOM.random(90) + 0.2
    cells = (np.arange(60) % 2, (np.arange(90) % 3 == 0).astype(int))
    expected = 0.0
    for cell in (0, 1):
        a, b = ours[cells[0] == cell], theirs[cells[1] == cell]
        above = mannwhitneyu(a, b, method="asymptotic").statistic
        deviation = np.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
        expected += len(b) / 90 * (above - len(a) * len(b) / 2) / deviation
    found = copying_statistic(ours, theirs, cells)
    assert found.value == pytest.approx(expected)
    assert found.low < found.value < found.high < 0
    assert copying_statistic(ours, theirs, (np.zeros(60), np.ones(90))).value == 0  # no cell has both


def test_cells_are_where_the_training_rows_lie() -> None:
    blobs = np.repeat([[0.0, 0], [10, 0], [0, 10]], 50, axis=0) + RANDOM.normal(0, 0.1, (150, 2))
    centers = centers_of(blobs, count=3, seed=2**40)
    ours, theirs = cells_of(blobs[::50], centers), cells_of(blobs, centers)
    assert len(set(ours.tolist())) == 3
    assert all(len(set(part.tolist())) == 1 for part in np.split(theirs, 3))


def test_rows_that_are_there_many_times_make_no_noise() -> None:
    """Warnings are errors here."""
    centers = centers_of(np.repeat([[0.0, 1], [2, 3]], 20, axis=0), count=5)
    assert set(cells_of([[0.0, 1]], centers)) != set(cells_of([[2.0, 3]], centers))


@pytest.mark.parametrize("bad", [[1.0], [1.0, np.nan], [-1.0, 1.0], [[1.0, 2.0]]])
def test_what_is_no_distance_is_refused(bad: list[float]) -> None:
    with pytest.raises(InputError, match="distances"):
        authenticity(bad, bad)
    with pytest.raises(InputError, match="distances"):
        doubles(bad, [1.0, 2.0])
