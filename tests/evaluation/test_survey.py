"""The survey's questions are blind and balanced, nothing is lost or counted twice, and shares are what was answered."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from elmyr.core.errors import InputError
from elmyr.evaluation.people.answers import Answer, results_of
from elmyr.evaluation.people.survey import Form, NoSeat, SeatsTaken, Survey, read_answers
from elmyr.metrics import wilson_interval

CLASSES = ["a", "b", "c"] * 20


def opened(path: Path, form: Form = "single", **options: int) -> Survey:
    return Survey(path / "survey.sqlite", "this run", CLASSES, form=form, **options)


def answer_all(survey: Survey, seat: str, real: bool = True) -> list[tuple[str, int]]:
    """Answers as one who knows, or who is always wrong; what was shown, by side and place."""
    shown = []
    while question := survey.standing(seat).question:
        images = [survey.image(token) for token in question.images]
        shown += images
        right = int(images[0][0] == "real") if question.form == "single" else [side for side, _ in images].index("real")
        survey.answer(seat, question.number, right if real else 1 - right, 1.0)
    return shown


def test_questions_are_half_real_without_repetition_and_differ_between_people(tmp_path: Path) -> None:
    survey = opened(tmp_path)
    shown = [answer_all(survey, survey.take_seat()) for _ in range(3)]
    for images in shown:
        assert len(images) == 20
        assert [side for side, _ in images].count("real") == 10
        assert len({place for _, place in images}) == 20
    assert len({tuple(images) for images in shown}) == 3
    first = [images[0][0] == "real" for images in shown] + [images[1][0] == "real" for images in shown]
    assert 0 < sum(first) < len(first)  # no fixed order


def test_in_pairs_the_real_one_is_as_often_left_as_right(tmp_path: Path) -> None:
    survey = opened(tmp_path, form="pairs")
    images = answer_all(survey, survey.take_seat())
    assert [side for side, _ in images[::2]].count("real") == 10
    assert all(
        left[1] == right[1] and left[0] != right[0] for left, right in zip(images[::2], images[1::2], strict=True)
    )


@pytest.mark.parametrize("form", ["single", "pairs"])
def test_who_knows_takes_no_generated_image_for_real_and_who_is_always_wrong_all(tmp_path: Path, form: Form) -> None:
    survey = opened(tmp_path, form=form)
    answer_all(survey, survey.take_seat("knows"))
    answer_all(survey, survey.take_seat("wrong"), real=False)
    (found,) = results_of(read_answers(survey.path, "this run"))
    count = 20 if form == "single" else 40
    assert (found.generated.taken, found.generated.count) == (count // 2, count)
    assert (found.generated.low, found.generated.high) == wilson_interval(count // 2, count)
    assert {share.name: share.share for share in found.persons} == {"knows": 0, "wrong": 1}
    assert sum(share.count for share in found.classes) == count
    assert {share.name for share in found.classes} == {"a", "b", "c"}
    assert (found.real is None) == (form == "pairs")
    assert (found.people, found.answers) == (2, 40)


def test_a_question_stands_until_it_is_answered_and_is_answered_once(tmp_path: Path) -> None:
    survey = opened(tmp_path)
    seat = survey.take_seat("Ann")
    first = survey.standing(seat).question
    assert first is not None
    again = opened(tmp_path).standing(seat)  # another process, after a restart
    assert again.question == first and again.answered == 0
    second = survey.answer(seat, first.number, 1, 2.5)
    assert survey.answer(seat, first.number, 0, 99.0) == second  # a button pressed twice
    assert second.answered == 1 and second.question is not None and second.question.number != first.number
    assert [(one.taken, one.seconds) for one in read_answers(survey.path, "this run")] == [(True, 2.5)]
    assert second.answers == ()  # nothing is told before the end


def test_the_clock_of_a_question_runs_from_the_first_time_it_is_shown(tmp_path: Path) -> None:
    survey = opened(tmp_path, form="pairs")
    seat = survey.take_seat()
    question = survey.standing(seat).question
    assert question is not None and question.since == 0
    survey.image(question.images[0])
    with sqlite3.connect(survey.path) as base:
        base.execute("UPDATE questions SET shown = shown - 60")
    survey.image(question.images[1])  # and again, after a reload
    survey.image(question.images[0])
    again = opened(tmp_path, form="pairs").standing(seat).question
    assert again is not None and 60 <= again.since < 120
    following = survey.answer(seat, question.number, 1, again.since).question
    assert following is not None and following.since == 0


def test_more_people_than_seats_are_refused_until_one_is_free(tmp_path: Path) -> None:
    survey = opened(tmp_path, seats=2)
    seats = [survey.take_seat(), survey.take_seat()]
    with pytest.raises(SeatsTaken, match="all 2 seats are taken"):
        survey.take_seat()
    answer_all(survey, seats[0])
    survey.take_seat()
    survey.leave(seats[1])
    survey.take_seat()
    with sqlite3.connect(survey.path) as base:
        base.execute("UPDATE people SET seen = seen - 16 * 60")  # everybody has gone for a coffee
    survey.take_seat()


def test_in_the_other_form_people_begin_anew_and_their_answers_stay(tmp_path: Path) -> None:
    first = opened(tmp_path, seats=1)
    seat = first.take_seat("Ann")
    question = first.standing(seat).question
    assert question is not None
    first.answer(seat, question.number, 1, 1.0)
    again = opened(tmp_path, form="pairs", seats=1)
    with pytest.raises(NoSeat, match="other form"):
        again.standing(seat)
    with pytest.raises(NoSeat, match="other form"):
        again.answer(seat, question.number + 1, 1, 1.0)
    again.take_seat("Ann")  # the seat of the other form is not in the way
    assert len(read_answers(first.path, "this run")) == 1
    assert first.standing(seat).answered == 1


def test_people_who_come_and_answer_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    survey = opened(tmp_path, seats=8)

    def one(number: int) -> int:
        return len(answer_all(survey, survey.take_seat(f"person of thread {number}")))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(8))) == [20] * 8
    answers = read_answers(survey.path, "this run")
    assert len(answers) == 160 and len({answer.person for answer in answers}) == 8


def test_a_survey_that_ends_while_it_begins_can_be_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "survey.sqlite"
    with pytest.raises(UnicodeEncodeError):
        Survey(path, "\ud800", CLASSES)  # fails after the tables, at what they are about
    assert path.exists()
    assert opened(tmp_path).take_seat()


def test_answers_about_another_run_and_other_files_are_refused(tmp_path: Path) -> None:
    survey = opened(tmp_path)
    with pytest.raises(InputError, match="another run or training: move it away"):
        Survey(survey.path, "another run", CLASSES)
    for content in (b"", b"no database" * 100):
        survey.path.write_bytes(content)
        with pytest.raises(InputError, match=r"survey\.sqlite") as told:
            read_answers(survey.path, "this run")
        assert "\n" not in str(told.value)
    assert read_answers(tmp_path / "none.sqlite", "this run") == []
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"questions": 7}, "even number"),
        ({"questions": 0}, "even number"),
        ({"questions": 62}, "60 at most"),
        ({"seats": 0}, "--seats"),
    ],
)
def test_a_survey_that_cannot_be_is_refused_and_nothing_written(
    tmp_path: Path, options: dict[str, int], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        opened(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_answer_is_refused(tmp_path: Path) -> None:
    survey = opened(tmp_path)
    seat = survey.take_seat("  a\n name  " + "x" * 100)
    standing = survey.standing(seat)
    assert standing.name.startswith("a name x") and len(standing.name) == 60
    assert standing.question is not None
    for choice, seconds in ((2, 1.0), (1, -1.0), (0, float("nan")), (0, float("inf"))):
        with pytest.raises(InputError, match="is not valid"):
            survey.answer(seat, standing.question.number, choice, seconds)
    with pytest.raises(NoSeat):
        survey.standing("somebody else")
    with pytest.raises(NoSeat):
        survey.image("../../etc/passwd")
    assert survey.answer(seat, 10**6, 1, 1.0) == standing  # no question of this person


def test_people_of_one_name_are_two_people(tmp_path: Path) -> None:
    survey = opened(tmp_path)
    answer_all(survey, survey.take_seat("Ann"))
    answer_all(survey, survey.take_seat("Ann"), real=False)
    answer_all(survey, survey.take_seat("Bo"))
    (found,) = results_of(read_answers(survey.path, "this run"))
    assert found.people == 3
    assert [(one.name, one.taken, one.count) for one in found.persons] == [
        ("Ann (1)", 0, 10), ("Ann (2)", 10, 10), ("Bo", 0, 10),
    ]  # fmt: skip


def test_shares_by_hand() -> None:
    answers = [Answer(1, "Ann", "single", "", False, taken, 2.0) for taken in (True, False, False, False)]
    answers.append(Answer(1, "Ann", "single", "", True, True, 4.0))
    (found,) = results_of(answers)
    assert (found.generated.share, found.real and found.real.share, found.seconds) == (0.25, 1.0, 2.0)
    assert found.classes == ()  # without classes
    assert results_of([]) == []
