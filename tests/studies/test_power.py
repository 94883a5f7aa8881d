import numpy as np
import pytest

from elmyr.core.errors import InputError
from elmyr.metrics.intervals import Term, half_width_of
from elmyr.studies.power import APART, JudgedOn, power_of, seeds_for


@pytest.mark.parametrize(
    ("points", "spread", "seeds", "tested"),
    [
        (2.0, 1.0, 5, JudgedOn(450, shared=False)),
        (0.5, 0.5, 5, JudgedOn(10_000, shared=True)),
        (2.0, 0.5, 3, JudgedOn(450, shared=False)),
        (2.0, 2.0, 10, JudgedOn(10_000, shared=True)),
    ],
)
def test_power_is_how_often_simulated_studies_find_the_difference(
    points: float, spread: float, seeds: int, tested: JudgedOn
) -> None:
    random = np.random.default_rng(0)
    of_image = np.sqrt(APART / tested.images)
    luck = random.normal(0, of_image, (1500, 1 if tested.shared else seeds))
    drawn = points / 100 + random.normal(0, spread / 100, (1500, seeds)) + luck
    of_images = APART / (tested.images * luck.shape[1])
    halves = [
        half_width_of([Term(row.var(ddof=1) / seeds, seeds - 1), Term(of_images, tested.images - 1)]) for row in drawn
    ]
    assert power_of(points, spread, seeds, tested) == pytest.approx((drawn.mean(1) > halves).mean(), abs=0.04)


def test_the_fewest_seeds_are_those_that_one_fewer_does_not_do() -> None:
    tested = JudgedOn(450, shared=False)
    needed = [seeds_for(1, spread, tested) for spread in (0.2, 0.5, 1.0, 2.0)]
    assert needed == sorted(each or 1000 for each in needed)
    for spread, seeds in zip((0.5, 1.0), needed[1:3], strict=True):
        assert seeds is not None
        assert power_of(1, spread, seeds - 1, tested) < 0.8 <= power_of(1, spread, seeds, tested)
    assert seeds_for(0.01, 2.0, tested) is None
    several = seeds_for(1, 1.0, tested, recognizers=4)
    assert several is not None and needed[2] is not None and several < needed[2]
    assert power_of(1, 1.0, 5, tested, recognizers=4) == pytest.approx(power_of(1, 0.475**0.5, 5, tested))  # .3 + .7/4
    fewer, more = seeds_for(1, 0.5, JudgedOn(10_000, shared=True)), needed[1]
    assert fewer is not None and more is not None and fewer < more


@pytest.mark.parametrize("points", [0.0, -1.0, 100.0, float("nan")])
def test_what_is_no_difference_in_points_is_refused(points: float) -> None:
    with pytest.raises(InputError, match="--detect is"):
        seeds_for(points, 1.0, JudgedOn(450, shared=False))
