"""The record of `elmyr articles`: five systems, each trained as its article has it and cured, and what that came to."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from elmyr.core.errors import InputError
from elmyr.core.plugins import with_plugins
from elmyr.engine.saving.places import CONFIG, read_config
from elmyr.images import Shaping
from elmyr.report.parts.numbers import count, is_finite
from elmyr.report.parts.records import Evaluation, Record, flattened, read_table, validated
from elmyr.report.words import Words
from elmyr.tasks.gan.collapse import Collapse, collapse_in

ARTICLES = "articles.json"
FAIR = 0.1  # of an equal share of the images: what a class needs to count as found
NOTHING_REAL = 0.05  # precision, below which no image is like a real one
FAR = 0.1  # coverage, below which few images are where real ones are, whatever their classes
LITTLE, SOME = 0.1, 0.4  # recall, below which images of a class are nearly the same, or less varied than real ones
HEEDED = 0.5  # conditional accuracy, below which the class that was asked for is not heeded
DIGITS = tuple("0123456789")
LOOP = {"batch": "batch", "loop.decay_from": "decay_from"}  # settings of the loop that decide how networks play

NOT_TRAINED, NOT_MEASURED, DIVERGED = "not trained", "not measured", "diverged at {images} images"
NOTHING_LIKE = "nothing like real images"
FEW_CLASSES = "{found} of {all} {things}"
FAR_FROM_REAL = "all {all} {things}, but few look real"
NOT_HEEDED = "all {all} {things}, but seldom the requested one"
LITTLE_VARIETY = "all {all} {things}, far less varied than real ones"
SOME_VARIETY = "all {all} {things}, with some variety"
VARIED = "all {all} {things}, varied"
VERDICTS = (
    NOT_TRAINED,
    NOT_MEASURED,
    DIVERGED,
    NOTHING_LIKE,
    FEW_CLASSES,
    FAR_FROM_REAL,
    NOT_HEEDED,
    LITTLE_VARIETY,
    SOME_VARIETY,
    VARIED,
)
COLORS = {LITTLE_VARIETY: "same", SOME_VARIETY: "better", VARIED: "better", NOT_TRAINED: "same", NOT_MEASURED: "same"}


class ImagesRecord(Record):
    """The images that systems were trained on."""

    name: str
    training: int | None = None
    test: int | None = None
    height: int | None = None
    width: int | None = None
    channels: int | None = None
    classes: tuple[str, ...] = ()

    @property
    def things(self) -> str:
        """What the classes are, in a word."""
        return "digits" if self.classes == DIGITS else "classes"


class Training(Record):
    """One training of a system."""

    name: str
    kind: str
    run: str | None = None
    preset: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    images: int | None = None
    diverged: str | None = None
    epochs: float | None = None
    seconds: float | None = None
    evaluation: Evaluation | None = None
    classes_found: tuple[int, ...] = ()
    troubles: list[dict[str, Any]] = Field(default_factory=list)
    collapse: str | dict[str, Any] | None = None
    picture: str | None = None
    course: str | None = None

    def value(self, figure: str) -> float | None:
        """A figure of the evaluation, where it was taken."""
        taken = self.evaluation.figures if self.evaluation else []
        return next((each.value for each in taken if each.name == figure and is_finite(each.value)), None)

    @property
    def found(self) -> int | None:
        """How many classes the recognizer finds among the generated images; None where that was not counted."""
        total = sum(self.classes_found)
        return sum(each * len(self.classes_found) >= FAIR * total for each in self.classes_found) if total else None

    @property
    def verdict(self) -> str:
        """One of VERDICTS."""
        if self.found is None:
            return DIVERGED if self.diverged else NOT_MEASURED
        named = ("precision", "coverage", "label_accuracy", "recall")
        precision, coverage, heeded, recall = map(self.value, named)
        signs = (
            (precision is not None and precision < NOTHING_REAL, NOTHING_LIKE),
            (self.found < len(self.classes_found), FEW_CLASSES),
            (coverage is not None and coverage < FAR, FAR_FROM_REAL),
            (heeded is not None and heeded < HEEDED, NOT_HEEDED),
            (recall is None, NOT_MEASURED),
            (recall is not None and recall < LITTLE, LITTLE_VARIETY),
            (recall is not None and recall < SOME, SOME_VARIETY),
        )
        return next((verdict for sign, verdict in signs if sign), VARIED)

    @property
    def shows_all(self) -> bool:
        """Whether every class is found, in images that are like real ones, and the training did not collapse."""
        return self.verdict in (NOT_HEEDED, LITTLE_VARIETY, SOME_VARIETY, VARIED) and not self.collapse


class Recognized(Record):
    """A recognizer, what it was trained on, and its accuracy on the test images."""

    trained_on: str
    real: int | None = None
    generated: int | None = None
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None


class Repaired(Record):
    """Damaged images that a generator has completed."""

    picture: str | None = None
    psnr_damaged: float | None = None
    psnr_repaired: float | None = None


class Uses(Record):
    """What the generated images are good for; what was not tried is None."""

    recognition: list[Recognized] | None = None
    repair: Repaired | None = None
    walk: str | None = None


class System(Record):
    """The system of one article."""

    number: int
    title: str
    preset: str
    cured_preset: str | None = None
    data: str = "gray"
    put_right: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    trainings: tuple[Training, ...] = ()
    uses: Uses | None = None

    def of_kind(self, *kinds: str) -> list[Training]:
        """Its trainings of some kinds, in their order."""
        return [training for training in self.trainings if training.kind in kinds]

    @property
    def written(self) -> Training | None:
        """The training as the article has it."""
        return next(iter(self.of_kind("written")), None)

    @property
    def cured(self) -> Training | None:
        """The training of the same layers by today's objective."""
        return next(iter(self.of_kind("cured")), None)


class Articles(Record):
    """All of `articles.json`."""

    command: str | None = None
    effort: str | None = None
    seed: int | None = None
    machine: dict[str, Any] = Field(default_factory=dict)
    data: ImagesRecord | None = None
    color: ImagesRecord | None = None
    seconds: float | None = None
    systems: list[System]

    def images_of(self, system: System) -> ImagesRecord:
        """What a system was trained on."""
        found = self.color if system.data == "color" else self.data
        return found or ImagesRecord(name=system.data)

    @property
    def sets(self) -> list[ImagesRecord]:
        """The image sets."""
        return [each for each in (self.data, self.color) if each is not None]


@dataclass(frozen=True)
class Change:
    """A setting that differs between two trainings."""

    name: str
    before: str
    after: str


def read_articles(folder: Path) -> Articles:
    """The record; InputError where it is damaged, or not there yet."""
    path = folder / ARTICLES
    if not path.is_file():
        raise InputError(f"the articles' systems in '{folder}' are not finished: elmyr resume {folder}")
    return validated(Articles, path)


def told_of(training: Training | None, images: ImagesRecord, words: Words) -> tuple[str, str]:
    """The verdict on a training in words, and its color."""
    verdict = training.verdict if training else NOT_TRAINED
    values: dict[str, object] = {"images": count(training.images)} if training and training.diverged else {}
    if training is not None and training.found is not None and "{things}" in verdict:
        values = {"found": training.found, "all": len(training.classes_found), "things": words(images.things)}
    told = words(verdict, **values)
    if training is not None and training.collapse:
        told = words("collapsed, {told}", told=told)
    return told, COLORS.get(verdict, "worse")


def collapse_of(folder: Path, training: Training) -> Collapse | None:
    """What the training ended in, where it collapsed and its run still says so."""
    if not training.collapse:
        return None
    kept = {"collapse": training.collapse} if isinstance(training.collapse, dict) else {}
    return collapse_in(kept or (read_table(folder / training.run / "summary.json") if training.run else {}))


def settings_of(folder: Path, training: Training) -> dict[str, str]:
    """The settings of a training by their dotted names: those of its run where that is there, else those it was given.

    Of a run only what decides how its networks play: the networks themselves are the same.
    """
    if training.run is None or not (folder / training.run / CONFIG).is_file():
        return dict(flattened(training.settings))
    config = read_config(folder / training.run)
    loop = {name: _table(config, "loop").get(key) for name, key in LOOP.items()}
    game = dict(flattened(_table(config, "adversarial")))
    named = {name if "." in name else f"adversarial.{name}": each for name, each in game.items()}
    conditional = {"conditional": bool(_table(config, "gan").get("classes"))}
    return dict(flattened(conditional | loop)) | named


def study_of(folder: Path, training: Training) -> str | None:
    """The command of a study of the images that a training had, with the same GAN; None where its run is gone."""
    if training.run is None or not (folder / training.run / CONFIG).is_file():
        return None
    config = read_config(folder / training.run)
    data, images = _table(config, "data"), _table(config, "loop").get("images")
    if not data or images is None:
        return None
    try:
        shaping = Shaping.model_validate(_table(data, "shaping"))
    except ValidationError:
        return None
    words = ["elmyr", "study", str(data.get("source")), *shaping.as_words()]
    words += ["--data-root", str(data["root"])] if data.get("root") else []
    words += ["--preset", str(config.get("preset")), "--images", str(images), "--seeds", "5"]
    return with_plugins(shlex.join(words))


def changes_between(before: dict[str, str], after: dict[str, str], *, absent: str) -> Sequence[Change]:
    """The settings that differ, in the order of the first; `absent` is said of one that is not there."""
    names = dict.fromkeys([*before, *after])
    pairs = [Change(name, before.get(name, absent), after.get(name, absent)) for name in names]
    return [each for each in pairs if each.before != each.after]


def _table(content: dict[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return found if isinstance(found, dict) else {}
