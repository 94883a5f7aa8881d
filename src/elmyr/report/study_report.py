"""The page of a study: the verdicts first, then what they rest on, then how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elmyr.report import numbers
from elmyr.report.error_chart import Curve, error_chart
from elmyr.report.figures import number_line
from elmyr.report.markup import Markup, join, tag
from elmyr.report.page import facts_table, figures_table, note, page, section
from elmyr.report.records import Cell, Study, Verdict, read_metrics, read_study, read_table
from elmyr.report.sections import commands, curves, foot, settings, side_by_side, versions
from elmyr.report.study_cell import arms, changes, figures

WORDS = {"better": "Better", "worse": "Worse", "no difference shown": "No difference shown"}
COLORS = {"better": "better", "worse": "worse", "no difference shown": "same"}
AXES = {"images_per_class": "training images a class", "labels_per_class": "labeled training images a class"}


def study_page(folder: Path) -> str:
    """The HTML of a study directory."""
    study = read_study(folder / "study.json")
    several = len(study.cells) > 1
    parts = [_openings(study.cells)] if several else [_opening(cell.verdict) for cell in study.cells if cell.verdict]
    parts.append(_errors(study))
    for cell in study.cells:
        parts += _of_cell(folder, cell, study, several)
    return page(f"elmyr study of {study.name}", *parts, _making(folder, study), foot=foot(study.environment))


def _of_cell(folder: Path, cell: Cell, study: Study, several: bool) -> list[Markup]:
    """The sections of a cell; of several, they stand under its name."""
    runs = [folder / run for run in cell.gan_runs]
    training = curves([read_metrics(run / "metrics.jsonl") for run in runs])
    lines = " One line a seed." if len(runs) > 1 else ""
    found = [
        ("The ways to train the recognizer", join(arms(cell), changes(folder, cell, study.classes))),
        ("How good the images are", figures(folder, cell)),
        (
            "How the GAN learned",
            join(note(f"Against the number of real images seen.{lines}"), training) if training else "",
        ),
    ]
    pictures = side_by_side(runs[0] if runs else folder, study.classes)
    if not several:
        return [pictures, *(section(title, content) for title, content in found)]
    inner = [join(tag("h3", title), content) for title, content in found if content]
    return [
        section(cell.name[:1].upper() + cell.name[1:], tag("div", _line(cell.verdict), class_="arms"), *inner),
        pictures,
    ]


def _opening(verdict: Verdict) -> Markup:
    color = COLORS[verdict.outcome]
    ends = f"{numbers.points(verdict.low)} to {numbers.points(verdict.high)}"
    strong = tag("strong", f"{numbers.points(verdict.difference)} percentage points")
    difference = tag("p", strong, f" on the test part, 95 % interval {ends}")
    return tag(
        "section",
        tag("p", WORDS[verdict.outcome], class_=f"word {color}"),
        tag("p", verdict.sentence, class_="sentence"),
        tag("div", difference, _line(verdict), note(_compared(verdict)), class_="difference"),
        class_="opening",
        aria_label="Verdict",
    )


def _openings(cells: Sequence[Cell]) -> Markup:
    """A verdict a trouble, one below the other."""
    told = [
        tag(
            "div",
            tag("h2", cell.name[:1].upper() + cell.name[1:]),
            tag("p", WORDS[verdict.outcome], class_=f"word {COLORS[verdict.outcome]}"),
            tag("p", verdict.sentence),
            class_="one",
        )
        for cell in cells
        if (verdict := cell.verdict)
    ]
    return tag("section", *told, class_="opening verdicts", aria_label="Verdicts")


def _line(verdict: Verdict | None) -> Markup:
    if verdict is None:
        return Markup()
    return number_line(
        verdict.difference,
        verdict.low,
        verdict.high,
        color=COLORS[verdict.outcome],
        left="better without",
        right="better with the GAN",
    )


def _compared(verdict: Verdict) -> str:
    parts = []
    if verdict.best_with and verdict.best_without:
        parts.append(f"{verdict.best_with} minus {verdict.best_without}")
    if verdict.seeds:
        parts.append(f"{verdict.seeds} {'seed' if verdict.seeds == 1 else 'seeds'}")
    if verdict.images:
        parts.append(f"{numbers.count(verdict.images)} test images")
    return " \u00b7 ".join(parts)


def _errors(study: Study) -> Markup:
    """Error against how many images, or labels, a class has, where the cells differ in that alone."""
    charts = []
    for key, unit in AXES.items():
        cells = [cell for cell in study.cells if all(not v for name, v in cell.trouble.items() if name != key)]
        drawn = [_curve(cells, key, name, len(study.classes)) for name in _arm_names(cells)]
        charts.append(error_chart("Error of the recognizer on the test part", unit, drawn))
    told = note("The mean over seeds with its 95 % interval; both axes are logarithmic.")
    return section("Error against how much there is", told, *charts) if any(charts) else Markup()


def _arm_names(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(arm.name for cell in cells for arm in cell.arms))


def _curve(cells: Sequence[Cell], key: str, name: str, classes: int) -> Curve:
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
    return Curve(name, "generated" if uses_gan else "real", sorted(errors, key=lambda point: point[0]))


def _making(folder: Path, study: Study) -> Markup:
    runs = [folder / run for cell in study.cells for run in cell.gan_runs]
    facts = []
    for cell in study.cells:
        where = f", {cell.name}" if len(study.cells) > 1 else ""
        facts += [(f"{split} images{where}", numbers.count(size)) for split, size in cell.counts.items()]
    if study.source and study.source != study.name:
        facts.insert(0, ("source", study.source))
    if study.seeds:
        facts.append(("seeds", ", ".join(map(str, study.seeds))))
    if study.recognizer_updates:
        facts.append(("recognizer updates, every arm", numbers.count(study.recognizer_updates)))
    if study.images:
        facts.append(("images the GAN sees", numbers.count(study.images)))
    config = next((read_table(run / "config.json") for run in runs if (run / "config.json").exists()), {})
    return section(
        "How this was made",
        note("A seed is a new split, a new GAN and new recognizers; all arms of a seed share its split."),
        facts_table("Data and budget", facts),
        settings(config),
        commands(study.commands),
        versions(study.environment),
        _times(study),
    )


def _times(study: Study) -> Markup:
    rows = []
    for cell in study.cells:
        where = f"{cell.name}: " if len(study.cells) > 1 else ""
        parts = [(f"{where}GAN training", cell.gan_seconds)]
        parts += [(f"{where}{arm.name}", arm.seconds) for arm in cell.arms]
        rows += [
            (name, numbers.duration(numbers.mean(seconds)), numbers.duration(sum(numbers.finite(seconds))))
            for name, seconds in parts
            if numbers.finite(seconds)
        ]
    if study.seconds is not None:
        rows.append(("all work of the study", "", numbers.duration(study.seconds)))
    if not rows:
        return Markup()
    told = note(
        "An arm's time holds the GAN's training where it is used; the GAN of a seed is trained once for all its arms."
    )
    return join(tag("h3", "Time"), figures_table("Time", ("part", "a seed", "all seeds"), rows), told)
