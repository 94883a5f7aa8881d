"""The table of all arms, and those of it that a study tries in a case."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import chain

from elmyr.core.tables import Table
from elmyr.studies.arms import borrowing, long_tails, withstanding
from elmyr.studies.arms.arm import Arm, Case
from elmyr.studies.arms.classical import CLASSICAL
from elmyr.studies.arms.few_labels import FEW_LABELS
from elmyr.studies.arms.fresh_generated import FRESH
from elmyr.studies.arms.generated import GENERATED, OLDER
from elmyr.studies.arms.wrong_labels import WRONG_LABELS
from elmyr.studies.config import EFFORTS, Effort

SINGLE = (  # in this order they are trained and shown; of equals on validation the first is the best
    *CLASSICAL,
    *long_tails.WITHOUT_GAN,
    *borrowing.WITHOUT_GAN,
    *withstanding.WITHOUT_GAN,
    *WRONG_LABELS,
    *FEW_LABELS,
    *GENERATED,
    *FRESH,
    *long_tails.WITH_GAN,
    *borrowing.WITH_GAN,
    *withstanding.WITH_GAN,
)
MOST_TIMES = 20  # that an arm is trained with one seed


def _again(arm: Arm, repetition: int) -> Arm:
    name = f"{arm.name}, again" + (f" {repetition}" if repetition > 1 else "")
    return replace(arm, name=name, repetition=repetition)


AGAIN = {arm.name: [_again(arm, time) for time in range(1, MOST_TIMES)] for arm in SINGLE}
PAST = (*OLDER, *long_tails.OLDER)  # that nothing tries any more
ARMS: Table[Arm] = Table("arm", {arm.name: arm for arm in (*SINGLE, *chain.from_iterable(AGAIN.values()), *PAST)})


def arms_for(case: Case, effort: Effort = "quick") -> tuple[tuple[str, ...], tuple[Arm, ...]]:
    """The names of the arms that an effort tries in a case, and those that it would try but for a library.

    Both sides have as many candidates: where one has more, arms of the other are trained again.
    """
    wanted = [arm for arm in SINGLE if arm.fits(case) and arm.within(effort)]
    missing = tuple(arm for arm in wanted if arm.needs is not None and find_spec(arm.needs) is None)
    return _evened([arm for arm in wanted if arm not in missing]), missing


def added_by_larger(case: Case, effort: Effort) -> dict[Effort, int]:
    """How many more arms each larger effort tries in a case; one that adds nothing to the one before is left out."""
    counts = {each: sum(arm.fits(case) and arm.within(each) for arm in SINGLE) for each in EFFORTS}
    larger = EFFORTS[EFFORTS.index(effort) + 1 :]
    steps = zip(EFFORTS[EFFORTS.index(effort) :], larger, strict=False)
    return {after: counts[after] - counts[effort] for before, after in steps if counts[after] > counts[before]}


def repetitions_of(arm: Arm) -> list[Arm]:
    """The other trainings of the same kind, each with a seed of its own; none of an arm of older studies."""
    family = next(([one, *AGAIN[one.name]] for one in SINGLE if arm in (one, *AGAIN[one.name])), [])
    return [each for each in family if each != arm]


def with_less_effort(names: Collection[str], effort: Effort) -> tuple[str, ...]:
    """Those of a cell's arms that a smaller effort tries, again with as many candidates on both sides."""
    return _evened([arm for arm in SINGLE if arm.name in names and arm.within(effort)])


def _evened(arms: Sequence[Arm]) -> tuple[str, ...]:
    """Their names, each before the names of its repetitions, so that both sides have as many candidates."""
    sides = [[arm for arm in arms if arm.uses_gan == uses_gan and arm.counts] for uses_gan in (False, True)]
    most = max(map(len, sides))
    times = {arm.name: 1 for arm in arms}
    for side in sides:
        for number in range(len(side), most):  # from the first on, as often as it takes
            times[side[number % len(side)].name] += 1
    return tuple(each.name for arm in arms for each in (arm, *AGAIN.get(arm.name, ())[: times[arm.name] - 1]))
