"""What people answer: blind, balanced questions of which image is real, kept in SQLite beside the run."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.core.files import sha256_of
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.people.answers import Answer

Form = Literal["single", "pairs"]
REAL, GENERATED = "real", "generated"

FORMAT = 2
IDLE = 15 * 60  # seconds without an answer after which a seat is free for another
LONGEST_NAME = 60
LONGEST_TIME = 24 * 3600.0
TABLES = (
    "CREATE TABLE about (format INTEGER NOT NULL, run TEXT NOT NULL)",
    "CREATE TABLE people (id INTEGER PRIMARY KEY, token TEXT UNIQUE NOT NULL, name TEXT NOT NULL, form TEXT NOT NULL, "
    "seen REAL NOT NULL)",
    "CREATE TABLE questions (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES people, turn INTEGER NOT NULL, "
    "class TEXT, shown REAL, answer INTEGER, seconds REAL, UNIQUE (person, turn))",
    "CREATE TABLE images (token TEXT PRIMARY KEY, question INTEGER NOT NULL REFERENCES questions, "
    "position INTEGER NOT NULL, side TEXT NOT NULL, place INTEGER NOT NULL)",
)


class SeatsTaken(InputError):
    """More people at once than there are seats."""


class NoSeat(InputError):
    """Nobody with this token sits here, or not at questions of this form."""


@dataclass(frozen=True)
class Question:
    """What a person is shown: nothing here tells which image is real. since: seconds since it was first shown."""

    number: int
    form: Form
    images: tuple[str, ...]
    since: float


@dataclass(frozen=True)
class Standing:
    """How far a person is; `question` is None at the end, and only then `answers` says what was right."""

    name: str
    answered: int
    total: int
    question: Question | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Survey:
    """The questions and answers about one run; every call is a transaction of its own, from whatever thread.

    classes: of each pair of images to be drawn from, a real and a generated one at the same place, the class's name (""
    without classes). Raises InputError where the file holds answers about another run, or is damaged.
    """

    path: Path
    run: str
    classes: Sequence[str]
    form: Form = "single"
    questions: int = 20
    seats: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise InputError(f"no form of question '{self.form}': choose single or pairs")
        if self.questions < 2 or self.questions % 2:
            raise InputError(f"--questions is {self.questions}: an even number, half real and half generated")
        if self.seats < 1:
            raise InputError(f"--seats is {self.seats}: at least 1")
        if self.questions > len(self.classes):
            raise InputError(f"--questions is {self.questions}: there are images for {len(self.classes)} at most")
        with self._writing() as base:
            # Empty, not absent: one killed while it began leaves a file without tables.
            if base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                for table in TABLES:
                    base.execute(table)
                base.execute("INSERT INTO about VALUES (?, ?)", (FORMAT, self.run))
        check_answers(self.path, self.run)

    def take_seat(self, name: str = "") -> str:
        """A new person's token, whose questions are drawn; `SeatsTaken` where as many as there are seats are at it."""
        now, name = time.time(), " ".join(name.split())[:LONGEST_NAME]
        with self._writing() as base:
            taken = base.execute(
                "SELECT count(DISTINCT p.id) FROM people p JOIN questions q ON q.person = p.id "
                "WHERE q.answer IS NULL AND p.seen > ? AND p.form = ?",
                (now - IDLE, self.form),
            ).fetchone()[0]
            if taken >= self.seats:
                raise SeatsTaken(f"all {self.seats} seats are taken: wait for one, or start with more --seats")
            number = base.execute("SELECT coalesce(max(id), 0) + 1 FROM people").fetchone()[0]
            token = secrets.token_hex(16)
            row = (number, token, name or f"person {number}", self.form, now)
            base.execute("INSERT INTO people VALUES (?, ?, ?, ?, ?)", row)
            self._draw(base, number)
        return token

    def leave(self, token: str) -> None:
        """Frees a person's seat; the answers so far stay."""
        with self._writing() as base:
            base.execute("UPDATE people SET seen = 0 WHERE token = ?", (token,))

    def standing(self, token: str) -> Standing:
        """Where a person goes on; `NoSeat` for a token that nobody has, or whose questions are of the other form."""
        with self._reading() as base:
            return self._standing(base, token)

    def answer(self, token: str, number: int, choice: int, seconds: float) -> Standing:
        """Takes a person's answer to the question that stands, and gives the next.

        choice: of a single image 1 for real and 0 for generated, of a pair the place of the real one. An answer to a
        question that was answered already changes nothing. InputError for what is no answer; `NoSeat` as above.
        """
        if choice not in (0, 1) or not 0 <= seconds <= LONGEST_TIME:
            raise InputError(f"the answer {choice} after {seconds} s is not valid: give 0 or 1, and the seconds")
        with self._writing() as base:
            standing = self._standing(base, token)
            if standing.question is not None and standing.question.number == number:
                base.execute("UPDATE people SET seen = ? WHERE token = ?", (time.time(), token))
                base.execute("UPDATE questions SET answer = ?, seconds = ? WHERE id = ?", (choice, seconds, number))
                standing = self._standing(base, token)
        return standing

    def image(self, token: str) -> tuple[str, int]:
        """Which image an address stands for: its side and place; `NoSeat` for an unknown one.

        Its question counts as shown from the first time on that one of its images is asked for.
        """
        with self._writing() as base:
            row = base.execute("SELECT side, place, question FROM images WHERE token = ?", (token,)).fetchone()
            if row is None:
                raise NoSeat("there is no such image")
            base.execute("UPDATE questions SET shown = ? WHERE id = ? AND shown IS NULL", (time.time(), row[2]))
        return row[0], row[1]

    def _draw(self, base: sqlite3.Connection, person: int) -> None:
        """Places without repetition; as many real as generated, or as often left as right, in an order of its own."""
        random = np.random.default_rng(seeds.derive(self.seed, f"survey {self.run}", person))
        places = random.permutation(len(self.classes))[: self.questions].tolist()
        truths = random.permutation(np.arange(self.questions) % 2).tolist()
        for turn, (place, truth) in enumerate(zip(places, truths, strict=True)):
            cursor = base.execute(
                "INSERT INTO questions (person, turn, class) VALUES (?, ?, ?)", (person, turn, self.classes[place])
            )
            both = (GENERATED, REAL) if truth else (REAL, GENERATED)
            sides = both if self.form == "pairs" else both[1:]
            for position, side in enumerate(sides):
                row = (secrets.token_hex(16), cursor.lastrowid, position, side, place)
                base.execute("INSERT INTO images VALUES (?, ?, ?, ?, ?)", row)

    def _standing(self, base: sqlite3.Connection, token: str) -> Standing:
        person = base.execute("SELECT id, name, form FROM people WHERE token = ?", (token,)).fetchone()
        if person is None:
            raise NoSeat("nobody with this seat is known here: start again")
        number, name, form = person
        if form != self.form:  # on this form's page the same key would mean another answer
            raise NoSeat("this seat is of a survey of the other form: start again")
        rows = base.execute(
            "SELECT id, answer, shown FROM questions WHERE person = ? ORDER BY turn", (number,)
        ).fetchall()
        open_ones = [(row[0], row[2]) for row in rows if row[1] is None]
        question: Question | None = None
        answers: tuple[Answer, ...] = ()
        if open_ones:
            stands, shown = open_ones[0]
            images = base.execute("SELECT token FROM images WHERE question = ? ORDER BY position", (stands,)).fetchall()
            since = 0.0 if shown is None else max(0.0, time.time() - shown)
            question = Question(stands, form, tuple(row[0] for row in images), since)
        else:
            answers = tuple(_answers(base, number))
        return Standing(name, len(rows) - len(open_ones), len(rows), question, answers)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _opened(self.path) as base:
            base.execute("BEGIN IMMEDIATE")
            yield base

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with _opened(self.path) as base:
            yield base


def identity_of(run: RunDirectory) -> str:
    """What tells a run's generator from every other: the sha256 of its weights; InputError where there are none."""
    weights = run.model / "generator.safetensors"
    if not weights.is_file():
        raise InputError(f"'{run.path}' has no generated images to ask about: finish its training (elmyr resume)")
    return sha256_of(weights)


def check_answers(path: Path, run: str) -> None:
    """InputError unless a file holds the answers about the run of this identity."""
    with _opened(path) as base:
        row = base.execute("SELECT format, run FROM about").fetchone()
    if row is None or row[0] != FORMAT:
        raise InputError(f"'{path}' is no survey of this elmyr: move it away to begin another")
    if row[1] != run:
        raise InputError(f"'{path}' holds answers about another run or training: move it away to begin another")


def read_answers(path: Path, run: str) -> list[Answer]:
    """All answers about a run, in the order of people and turns; none where nobody was asked; InputError as above."""
    if not path.exists():
        return []
    check_answers(path, run)
    with _opened(path) as base:
        return list(_answers(base, None))


def _answers(base: sqlite3.Connection, person: int | None) -> Iterator[Answer]:
    rows: list[tuple[Any, ...]] = base.execute(
        "SELECT p.id, p.name, p.form, q.class, i.side, q.answer, q.seconds FROM questions q "
        "JOIN people p ON p.id = q.person JOIN images i ON i.question = q.id AND i.position = 0 "
        "WHERE q.answer IS NOT NULL AND (? IS NULL OR p.id = ?) ORDER BY p.id, q.turn",
        (person, person),
    ).fetchall()
    for number, name, form, of_class, first, answer, seconds in rows:
        if form == "single":
            yield Answer(number, name, form, of_class, first == REAL, answer == 1, seconds)
        else:
            yield Answer(number, name, form, of_class, False, (first == REAL) != (answer == 0), seconds)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection whose work is committed at the end of the block, or undone where it fails."""
    try:
        with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as base:
            try:
                yield base
            except BaseException:
                if base.in_transaction:
                    base.rollback()
                raise
            if base.in_transaction:
                base.commit()
    except sqlite3.Error as error:
        raise InputError(f"'{path}' cannot be used as a survey's answers ({error}): move it away") from None
