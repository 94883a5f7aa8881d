"""The table of arms: which are tried where, and that both sides of a verdict choose among as many."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from elmyr import Shaping
from elmyr.studies.arms import ARMS, Arm, Case, arms_for, with_less_effort
from elmyr.studies.arms.table import SINGLE
from elmyr.studies.config import EFFORTS

PLAIN = Case(Shaping(), unbalanced=False)
CASES = {
    "plain": ({}, False, []),
    "few labels": ({"labels_per_class": 4}, False, ["real, again"]),
    "wrong labels": (
        {"label_noise": 0.2},
        False,
        ["real + 50 % generated, again", "real + classical + 50 % generated, again"],
    ),
    "unbalanced": ({}, True, ["real + 50 % generated, again", "real + classical + 50 % generated, again"]),
}


@pytest.fixture
def longer(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Arm]]:
    """Two arms that only a larger effort tries."""
    added = [
        replace(ARMS["real + 50 % generated"], name="real and much generated", shares=(0.8,), effort="standard"),
        replace(ARMS["real"], name="real and slow", effort="thorough"),
    ]
    for arm in added:
        ARMS.add(arm.name, arm)
    monkeypatch.setattr("elmyr.studies.arms.table.SINGLE", (*SINGLE, *added))
    yield added
    for arm in added:
        ARMS.remove(arm.name)


def test_arms_are_named_once_and_say_what_they_need() -> None:
    names = [arm.name for arm in SINGLE]
    assert len(set(names)) == len(names) and set(names) < set(ARMS)
    once = [arm for arm in ARMS.values() if not arm.repetition]
    assert [arm.name for arm in once if arm.needs_run][:2] == ["generated", "real + 25 % generated"]
    assert all(arm.uses_gan for arm in once if arm.needs_run or max(arm.shares) > 0)
    assert all(arm.about and arm.cost > 0 and arm.effort in EFFORTS for arm in once)


@pytest.mark.parametrize("case", CASES)
def test_the_quick_effort_trains_arms_again_where_a_side_has_fewer(case: str) -> None:
    trouble, unbalanced, again = CASES[case]
    names, _ = arms_for(Case(Shaping(**trouble), unbalanced))
    assert [name for name in names if ARMS[name].repetition] == again


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize(
    ("trouble", "unbalanced"),
    [
        *((trouble, unbalanced) for trouble, unbalanced, _ in CASES.values()),
        ({"label_noise": 0.2, "labels_per_class": 4}, False),
        ({"label_noise": 0.2}, True),
    ],
)
def test_both_sides_of_a_verdict_choose_among_as_many_trainings(
    trouble: dict[str, Any], unbalanced: bool, effort: Any
) -> None:
    names, _ = arms_for(Case(Shaping(**trouble), unbalanced), effort)
    arms = [ARMS[name] for name in names]
    sides = [[arm for arm in arms if arm.uses_gan == uses and arm.counts] for uses in (True, False)]
    assert len(sides[0]) == len(sides[1]) and len(set(names)) == len(names)
    assert all(len(arm.shares) == 1 for arm in arms)


def test_an_effort_tries_what_the_smaller_ones_try_and_more(longer: list[Arm]) -> None:
    quick, standard, thorough = (
        [n for n in arms_for(PLAIN, effort)[0] if not ARMS[n].repetition] for effort in EFFORTS
    )
    more = [name for name in standard if name not in quick]
    assert more == [
        "real + mixup",
        "real + cutmix",
        "real + 25 % generated",
        "real + classical + 25 % generated",
        "real + strong + 25 % generated",
        "real + classical + 50 % fresh generated",
        "generated first, then real",
        "real and much generated",
    ]
    most = [name for name in thorough if name not in standard]
    assert most[:2] == ["real + elastic", "real + erasing"] and most[-1] == "real and slow"
    assert set(quick) < set(standard) < set(thorough)


def test_less_effort_later_is_less_effort_from_the_beginning(longer: list[Arm]) -> None:
    for larger in EFFORTS:
        for smaller in EFFORTS[: EFFORTS.index(larger) + 1]:
            assert with_less_effort(arms_for(PLAIN, larger)[0], smaller) == arms_for(PLAIN, smaller)[0]


def test_an_arm_that_is_trained_often_has_another_name_and_seed_each_time(longer: list[Arm]) -> None:
    names, _ = arms_for(PLAIN, "standard")
    again = [ARMS[name] for name in names if ARMS[name].repetition]
    assert [arm.name for arm in again] == [
        "real, again",
        "real + classical, again",
        "real + strong, again",
        "real + mixup, again",
    ]
    thrice = [ARMS[name] for name in ("real", "real, again", "real, again 2")]
    assert len({arm.seed(0) for arm in thrice}) == 3
