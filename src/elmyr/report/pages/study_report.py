"""The page of a study: the verdicts first, then what they rest on, then how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from elmyr.core.plugins import with_plugins
from elmyr.metrics import chance_of
from elmyr.report.charts.error_chart import Curve, error_chart
from elmyr.report.charts.svg import number_line
from elmyr.report.pages.study_best import best_and_next
from elmyr.report.pages.study_cell import arm_name, arms, changes, figures, name_of
from elmyr.report.parts import numbers
from elmyr.report.parts.evidence import copies_section, missing_section, people_section
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.page import facts_table, figures_table, note, page, section
from elmyr.report.parts.records import read_metrics, read_people, read_table
from elmyr.report.parts.sections import commands, curves, foot, settings, side_by_side, versions
from elmyr.report.parts.study_records import Cell, Study, Verdict, read_study
from elmyr.report.words import ENGLISH, Words

OUTCOMES = {"better": "Better", "worse": "Worse", "no significant effect": "No significant effect",
            "not decided": "Not decided"}  # fmt: skip
COLORS = {"better": "better", "worse": "worse", "no significant effect": "same", "not decided": "same"}
GUESSED = (
    "Neither of the two recognizers is significantly better than guessing ({chance} balanced accuracy): this says "
    "little about the GAN. Try more updates, more images, or a larger size."
)
AXES = {"images_per_class": "training images per class", "labels_per_class": "labeled training images per class"}
ERRORS = {
    "accuracy": "Error of the recognizer on the test part",
    "balanced accuracy": "Mean error of the classes on the test part",
    "robust accuracy": "Error of the recognizer on attacked images of the test part",
}
RANGE = " on the test part, 95 % interval {low} to {high}"
RANGES = {"not decided": " on the test part with one training each; for other test images alone {low} to {high}"}
MEANS = " Each side is the mean of {count} recognizers a seed."
SENTENCES = {
    "better": "The GAN makes the recognizer better.",
    "worse": "The GAN makes the recognizer worse.",
    "no significant effect": "The GAN has no significant effect.",
    "not decided": "One training each: not decided. Decide it with --seeds 5.",
}
NUMBERS = (
    "{count} training images; {measure} on the test images: {before} ({without}) without the GAN, {after} ({with_gan}) "
    "with it; 95 % interval of the difference: {low} to {high} percentage points."
)


COLLAPSED = "The GAN of seed {seeds} collapsed: the verdict is about generated images that are not fit for use."
REPAIR = "Train it again with: {settings}"


def study_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a study directory."""
    study = read_study(folder / "study.json")
    several = len(study.cells) > 1
    handed = best_and_next(folder, study, words)
    if several:
        parts = [_openings(study.cells, handed, words)]
    else:
        parts = [_opening(cell, cell.verdict, handed, words) for cell in study.cells if cell.verdict]
    parts.append(_errors(study, words))
    for cell in study.cells:
        parts += _of_cell(folder, cell, study, several, words)
    title = words("elmyr study of {name}", name=study.name)
    foot_line = foot(study.environment, words)
    return page(title, *parts, _making(folder, study, words), foot=foot_line, words=words)


def _of_cell(folder: Path, cell: Cell, study: Study, several: bool, words: Words) -> list[Markup]:
    """The sections of a cell; of several, they stand under its name."""
    runs = [folder / run for run in cell.gan_runs]
    first = runs[0] if runs else folder
    training = curves([read_metrics(run / "metrics.jsonl") for run in runs], words)
    told = words("Horizontal axis: training images processed (images seen).") + (
        words(" One line per seed.") if len(runs) > 1 else ""
    )
    found = [
        (
            words("The ways to train the recognizer"),
            join(arms(cell, words), changes(folder, cell, study.classes, words)),
        ),
        (words("How good the images are"), figures(cell, first, words)),
        (words("Training curves"), join(note(told), training) if training else Markup()),
    ]
    people = read_people(first)
    pictures = side_by_side(first, study.classes, words)
    evidence = [
        copies_section(cell.evaluation.copies if cell.evaluation else None, first / "pairs.npz", words),
        people_section(people.results, words),
    ]
    if not several:
        missing = missing_section(cell.evaluation, people, str(first) if runs else None, words)
        return [pictures, *(section(title, content) for title, content in found), *evidence, missing]
    inner = [join(tag("h3", title), content) for title, content in found if content]
    line = tag("div", _line(cell.verdict, words), class_="arms")
    return [section(_titled(cell, words), line, *inner), pictures, *evidence]


def _titled(cell: Cell, words: Words) -> str:
    """The data-scarcity scenario in words, with a capital."""
    name = name_of(cell, words)
    return name[:1].upper() + name[1:]


def _opening(cell: Cell, verdict: Verdict, handed: Markup, words: Words) -> Markup:
    color = COLORS[verdict.outcome]
    ends = {"low": numbers.points(verdict.low), "high": numbers.points(verdict.high)}
    strong = tag("strong", words("{difference} percentage points", difference=numbers.points(verdict.difference)))
    difference = tag("p", strong, words(RANGES.get(verdict.outcome, RANGE), **ends))
    return tag(
        "section",
        tag("p", words(OUTCOMES[verdict.outcome]), class_=f"word {color}"),
        tag("p", _sentence(cell, verdict, words), class_="sentence"),
        _collapsed(cell, words),
        _guessed(cell, words),
        handed,
        tag("div", difference, _line(verdict, words), note(_compared(verdict, words)), class_="difference"),
        class_="opening",
        aria_label=words("Verdict"),
    )


def _collapsed(cell: Cell, words: Words) -> Markup:
    """What a reader must know first of a verdict about a GAN that failed."""
    if not cell.collapsed:
        return Markup()
    seeds = ", ".join(map(str, cell.collapsed))
    told = [words(COLLAPSED, seeds=seeds), *([words(REPAIR, settings=cell.repair)] if cell.repair else [])]
    return tag("p", tag("strong", words("collapsed"), class_="key worse"), " ".join(told))


def guessed(confusion: Mapping[str, ArrayLike]) -> str | None:
    """The balanced accuracy of guessing in percent, where neither the best arm with nor without the GAN exceeds it."""
    chances = [chance_of(counts) for counts in confusion.values()]
    return None if not chances or None in chances else numbers.percent(chances[0], 1)


def _guessed(cell: Cell, words: Words) -> Markup:
    """What a reader must know first of a verdict about recognizers that learned next to nothing."""
    chance = guessed(cell.confusion)
    return Markup() if chance is None else tag("p", words(GUESSED, chance=chance))


def _openings(cells: Sequence[Cell], handed: Markup, words: Words) -> Markup:
    """One verdict per data-scarcity scenario, one below the other; then what is handed over."""
    told = [
        tag(
            "div",
            tag("h2", _titled(cell, words)),
            tag("p", words(OUTCOMES[verdict.outcome]), class_=f"word {COLORS[verdict.outcome]}"),
            tag("p", _sentence(cell, verdict, words)),
            _collapsed(cell, words),
            _guessed(cell, words),
            class_="one",
        )
        for cell in cells
        if (verdict := cell.verdict)
    ]
    return tag("section", *told, handed, class_="opening verdicts", aria_label=words("Verdicts"))


def _line(verdict: Verdict | None, words: Words) -> Markup:
    if verdict is None:
        return Markup()
    return number_line(
        verdict.difference,
        verdict.low,
        verdict.high,
        color=COLORS[verdict.outcome],
        left=words("better without"),
        right=words("better with the GAN"),
        words=words,
    )


def _sentence(cell: Cell, verdict: Verdict, words: Words) -> str:
    """The study's own, which is in English; in another language the outcome and the numbers of that sentence."""
    if words is ENGLISH:
        return verdict.sentence
    sides = [arm for name in (verdict.best_without, verdict.best_with) for arm in cell.arms if arm.name == name]
    if len(sides) < 2 or verdict.outcome == "not decided":  # an interval beside it would look like a decision
        return words(SENTENCES[verdict.outcome])
    without, with_gan = sides
    return words(SENTENCES[verdict.outcome]) + words(
        NUMBERS,
        count=numbers.count(cell.counts.get("train")), measure=words(cell.measure),
        before=numbers.percent(numbers.mean(without.test)), without=arm_name(without.name, words),
        after=numbers.percent(numbers.mean(with_gan.test)), with_gan=arm_name(with_gan.name, words),
        low=numbers.points(verdict.low), high=numbers.points(verdict.high),
    ) + (words(MEANS, count=verdict.recognizers) if verdict.recognizers > 1 else "")  # fmt: skip


def _compared(verdict: Verdict, words: Words) -> str:
    parts = []
    if verdict.best_with and verdict.best_without:
        parts.append(
            words("{a} minus {b}", a=arm_name(verdict.best_with, words), b=arm_name(verdict.best_without, words))
        )
    if verdict.seeds:
        parts.append(words("1 seed") if verdict.seeds == 1 else words("{count} seeds", count=verdict.seeds))
    if verdict.images:
        parts.append(words("{count} test images", count=numbers.count(verdict.images)))
    return " \u00b7 ".join(parts)


def _errors(study: Study, words: Words) -> Markup:
    """Error against how many images, or labels, a class has, where the cells differ in that alone."""
    charts = []
    for key, unit in AXES.items():
        differing = [cell for cell in study.cells if all(not v for name, v in cell.trouble.items() if name != key)]
        for measure in dict.fromkeys(cell.measure for cell in differing):  # one by another says nothing beside it
            cells = [cell for cell in differing if cell.measure == measure]
            drawn = [_curve(cells, key, name, len(study.classes), words) for name in _arm_names(cells)]
            charts.append(error_chart(words(ERRORS.get(measure, ERRORS["accuracy"])), words(unit), drawn, words))
    told = note(
        words(
            "The mean over seeds with its 95 % interval. Both axes are logarithmic. A ring at the lower edge means no "
            "errors."
        )
    )
    return section(words("Error against the amount of training data"), told, *charts) if any(charts) else Markup()


def _arm_names(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(arm.name for cell in cells for arm in cell.arms))


def _curve(cells: Sequence[Cell], key: str, name: str, classes: int, words: Words) -> Curve:
    errors = [
        (
            cell.trouble.get(key) or cell.counts.get("train", 0) / max(classes, 1),
            [None if share is None else 1 - share for share in arm.test],
        )
        for cell in cells
        for arm in cell.arms
        if arm.name == name
    ]
    uses_gan = any(arm.uses_gan for cell in cells for arm in cell.arms if arm.name == name)
    color = "generated" if uses_gan else "real"
    return Curve(arm_name(name, words), color, sorted(errors, key=lambda point: point[0]))


def _making(folder: Path, study: Study, words: Words) -> Markup:
    runs = [folder / run for cell in study.cells for run in cell.gan_runs]
    facts = []
    for cell in study.cells:
        where = f" ({name_of(cell, words)})" if len(study.cells) > 1 else ""
        facts += [(words(f"{split} images") + where, numbers.count(size)) for split, size in cell.counts.items()]
    if study.source and study.source != study.name:
        facts.insert(0, (words("source"), study.source))
    if study.seeds:
        facts.append((words("seeds"), ", ".join(map(str, study.seeds))))
    if folds := next((cell.folds for cell in study.cells if cell.folds), None):
        facts.append((words("folds of cross-validation; a seed tests one"), numbers.count(folds)))
    if study.recognizer_updates:
        facts.append((words("recognizer updates, the same for every arm"), numbers.count(study.recognizer_updates)))
    if study.images:
        facts.append((words("training images processed by each GAN"), numbers.count(study.images)))
    config = next((read_table(run / "config.json") for run in runs if (run / "config.json").exists()), {})
    return section(
        words("How this was made"),
        note(words("A seed is a new split, a new GAN and new recognizers; all arms of a seed share its split.")),
        facts_table(words("Data and budget"), facts),
        settings(config, words("Settings of the GAN")),
        commands(study.commands, words("Commands to repeat it")),
        commands([with_plugins(study.to_decide)], words("To decide it")) if study.to_decide else Markup(),
        versions(study.environment, words),
        _times(study, words),
    )


def _times(study: Study, words: Words) -> Markup:
    rows = []
    for cell in study.cells:
        where = f" ({name_of(cell, words)})" if len(study.cells) > 1 else ""
        parts = [(words("GAN training") + where, cell.gan_seconds)]
        parts += [(words("arm: {name}", name=arm_name(arm.name, words)) + where, arm.seconds) for arm in cell.arms]
        rows += [
            (name, *(numbers.duration(some, words) for some in (numbers.mean(seconds), sum(numbers.finite(seconds)))))
            for name, seconds in parts
            if numbers.finite(seconds)
        ]
    if study.seconds is not None:
        rows.append((words("all work of the study"), "", numbers.duration(study.seconds, words)))
    if not rows:
        return Markup()
    told = words(
        "An arm's time includes the GAN's training where it is used. The GAN of a seed is trained once for all arms."
    )
    head = [words(column) for column in ("part", "per seed", "all seeds")]
    return join(tag("h3", words("Time")), figures_table(words("Time"), head, rows), note(told))
