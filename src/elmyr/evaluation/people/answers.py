"""What people's answers come to: how often generated images were taken for real, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from statistics import median
from typing import Any

from elmyr.metrics import wilson_interval


@dataclass(frozen=True)
class Answer:
    """One answer. real: what was asked about was real; taken: the image was taken for real.

    Of a pair `taken` says whether the generated image was taken for the real one, and `real` is False. person is a
    number, as several may have one name.
    """

    person: int
    name: str
    form: str
    of_class: str
    real: bool
    taken: bool
    seconds: float


@dataclass(frozen=True)
class TakenForReal:
    """How many of `count` images were taken for real: the share with Wilson's 95 % interval."""

    name: str
    taken: int
    count: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Results:
    """The answers to questions of one form.

    generated: the generated images taken for real; of pairs, those taken for the real one: a half where nobody can
    tell. real: the real images taken for real, the baseline of single images; None of pairs. classes and persons: of
    the generated images. seconds: the median time to an answer.
    """

    form: str
    answers: int
    people: int
    seconds: float
    generated: TakenForReal
    real: TakenForReal | None
    classes: tuple[TakenForReal, ...]
    persons: tuple[TakenForReal, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)


def results_of(answers: Sequence[Answer]) -> list[Results]:
    """The results of each form that was asked; of a form without an answer about a generated image none."""
    found = []
    for form in ("single", "pairs"):
        of_form = [answer for answer in answers if answer.form == form]
        generated = [answer for answer in of_form if not answer.real]
        real = [answer for answer in of_form if answer.real]
        if not generated:
            continue
        found.append(
            Results(
                form=form,
                answers=len(of_form),
                people=len({answer.person for answer in of_form}),
                seconds=median(answer.seconds for answer in of_form),
                generated=_share("generated", generated),
                real=_share("real", real) if real else None,
                classes=_by_class(generated),
                persons=_by_person(generated),
            )
        )
    return found


def _by_class(answers: Sequence[Answer]) -> tuple[TakenForReal, ...]:
    names = sorted({answer.of_class for answer in answers} - {""}, key=_in_order)
    return tuple(_share(name, [answer for answer in answers if answer.of_class == name]) for name in names)


def _by_person(answers: Sequence[Answer]) -> tuple[TakenForReal, ...]:
    """By number, and where several have one name that is told with it."""
    names = {answer.person: answer.name for answer in answers}
    namesakes = Counter(names.values())
    people = sorted(names, key=lambda person: (_in_order(names[person]), person))
    return tuple(
        _share(
            names[person] if namesakes[names[person]] == 1 else f"{names[person]} ({person})",
            [answer for answer in answers if answer.person == person],
        )
        for person in people
    )


def _in_order(name: str) -> tuple[float, str]:
    """Numbers by their size, before words."""
    return (int(name) if name.isdecimal() else inf), name


def _share(name: str, answers: Sequence[Answer]) -> TakenForReal:
    taken = sum(answer.taken for answer in answers)
    return TakenForReal(name, taken, len(answers), taken / len(answers), *wilson_interval(taken, len(answers)))
