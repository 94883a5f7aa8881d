import numpy as np
import pytest
from scipy.special import ndtri

from elmyr.metrics.intervals import LEVEL
from elmyr.studies.looks import errors_of, level_at, looks_of


@pytest.mark.parametrize(
    ("first", "most", "expected"),
    [(5, 10, (5, 6, 7, 8, 9, 10)), (2, 3, (2, 3)), (3, 20, (3, 6, 10, 13, 17, 20)), (5, 7, (5, 6, 7))],
)
def test_a_study_looks_evenly_and_six_times_at_most(first: int, most: int, expected: tuple[int, ...]) -> None:
    assert looks_of(first, most) == expected


def test_one_look_has_the_whole_error() -> None:
    assert errors_of(np.array([1.0]))[0] == pytest.approx(1 - LEVEL, rel=1e-3)
    assert level_at((), 5) == level_at((5,), 5) == LEVEL


def test_two_looks_at_halves_have_the_bounds_of_the_tables() -> None:
    # Power family of 2, two-sided 5 %: 0.0125 is spent at half, the second bound follows from the correlation √½.
    first, second = errors_of(np.array([0.5, 1.0]))
    assert first == pytest.approx(0.0125, rel=2e-3)
    draws = np.random.default_rng(0).normal(size=(400_000, 2)).cumsum(1) / np.sqrt([1, 2])
    crossed = (np.abs(draws) > -ndtri(np.array([first, second]) / 2)).any(1)
    assert crossed.mean() == pytest.approx(0.05, abs=1e-3)


@pytest.mark.parametrize("looks", [(5, 6, 7, 8, 9, 10), (3, 6, 10, 13, 17, 20), (2, 3), (2, 100)])
def test_all_looks_together_err_as_often_as_one_would(looks: tuple[int, ...]) -> None:
    sums = np.random.default_rng(1).normal(size=(20_000, looks[-1])).cumsum(1)
    crossed = np.zeros(len(sums), bool)
    for look in looks:
        crossed |= np.abs(sums[:, look - 1]) / np.sqrt(look) > -ndtri((1 - level_at(looks, look)) / 2)
    assert crossed.mean() == pytest.approx(0.05, abs=0.005)
