"""The threads of a training: decided by figures, written down, followed."""

from collections.abc import Callable

from elmyr.engine.threads import LONGEST_WAIT, Chooser, Course, Stretch

BATCH = 16
IDLE, BUSY = {1: 325.0, 2: 486.0}, {1: 230.0, 2: 80.0}  # images/s by threads, as measured


class Training:
    """Updates whose time follows from the number of threads and from what else goes on at the moment."""

    def __init__(self, chooser: Chooser, speeds: Callable[[float], dict[int, float]]) -> None:
        self.chooser, self.speeds = chooser, speeds
        self.count, self.now, self.images = chooser.running, 0.0, 0
        self.spent: dict[int, float] = {}
        self.changes: list[tuple[float, int]] = []

    def until(self, time: float) -> None:
        while self.now < time:
            seconds = BATCH / self.speeds(self.now)[self.count]
            self.now, self.images = self.now + seconds, self.images + BATCH
            self.spent[self.count] = self.spent.get(self.count, 0.0) + seconds
            count = self.chooser.heard(BATCH, seconds)
            if self.chooser.chosen_by:
                self.changes.append((self.now, count))
            self.count = count


def test_on_a_quiet_machine_nothing_is_ever_tried() -> None:
    training = Training(Chooser((1, 2), 2, IDLE), lambda now: IDLE)
    training.until(1_000)
    assert training.spent.keys() == {2} and not training.changes


def test_a_third_lost_changes_over_within_seconds_and_back_when_it_is_quiet_again() -> None:
    training = Training(Chooser((1, 2), 2, IDLE), lambda now: BUSY if 100 <= now < 200 else IDLE)
    training.until(400)
    assert [count for _, count in training.changes] == [1, 2]
    (left, _), (back, _) = training.changes
    assert 100 < left < 106 and 200 < back < 200 + LONGEST_WAIT + 10


def test_beside_two_busy_processes_two_hopeless_updates_are_enough_to_know() -> None:
    slow = {1: 155.0, 2: 8.3}
    training = Training(Chooser((1, 2), 2, IDLE), lambda now: slow if now >= 10 else IDLE)
    training.until(30)
    ((left, count),) = training.changes
    assert count == 1 and 10 < left < 10 + 8 * BATCH / slow[2]


def test_looks_in_vain_become_rare_and_cost_little() -> None:
    training = Training(Chooser((1, 2), 1, {1: 155.0, 2: 8.3}), lambda now: {1: 155.0, 2: 8.3})
    training.until(3_600)
    assert not training.changes
    assert training.spent[2] < 3_600 / LONGEST_WAIT * 5
    assert training.images > 0.98 * 155 * 3_600


def test_half_of_many_is_found_where_it_is_the_fastest() -> None:
    speeds = {1: 100.0, 8: 500.0, 16: 40.0}
    training = Training(Chooser((1, 8, 16), 16, {16: 900.0}), lambda now: speeds)
    training.until(60)
    assert [count for _, count in training.changes] == [8]


def test_updates_that_become_dearer_on_any_number_change_nothing() -> None:
    training = Training(Chooser((1, 2), 2, IDLE), lambda now: {n: s / (4 if now > 50 else 1) for n, s in IDLE.items()})
    training.until(300)
    assert not training.changes
    assert training.spent[1] < 5


def test_one_slow_moment_is_not_believed() -> None:
    training = Training(Chooser((1, 2), 2, IDLE), lambda now: {2: 20.0} if 50 <= now < 50.5 else IDLE)
    training.until(100)
    assert training.spent.keys() == {2}


def test_what_was_decided_stands_when_the_loop_goes_back() -> None:
    written: list[list[Stretch]] = []
    course = Course([Stretch(0, 2)], Chooser((1, 2), 2, IDLE), write=lambda stretches: written.append(list(stretches)))
    for position in (0, 16):
        course.heard(position, BATCH, 5.0)
    assert course.stretches == [Stretch(0, 2), Stretch(32, 1)] == written[-1]
    for position in (0, 16, 32 - BATCH):
        course.heard(position, BATCH, 500.0)  # trained again after a roll-back: followed, and not chosen by
    assert [course.threads(position) for position in (0, 16, 31, 32, 10_000)] == [2, 2, 2, 1, 1]
    assert len(written) == 1


def test_a_course_that_is_followed_decides_nothing() -> None:
    course = Course([Stretch(0, 2), Stretch(64, 1), Stretch(96, 2)])
    for position in range(0, 10_000, BATCH):
        course.heard(position, BATCH, 100.0 if position > 500 else 0.01)
    assert [course.threads(position) for position in (0, 63, 64, 95, 96, 5_000)] == [2, 2, 1, 1, 2, 2]


def test_of_what_nothing_was_measured_the_others_are_tried_within_seconds() -> None:
    slow = {1: 155.0, 2: 8.3}
    training = Training(Chooser((1, 2), 2, {}), lambda now: slow)
    training.until(20)
    ((changed, count),) = training.changes
    assert count == 1 and changed < 8 * BATCH / slow[2]
    training = Training(Chooser((1, 2), 2, {}), lambda now: IDLE)
    training.until(300)
    assert not training.changes and training.spent[1] < 2
