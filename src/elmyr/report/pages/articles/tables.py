"""The tables of a system: its figures, the settings that cured changes, and its remedies."""

from __future__ import annotations

from collections.abc import Mapping

from elmyr.evaluation.figure_specs import FIGURES
from elmyr.report.pages.articles.record import Change, Training, changes_between, settings_of
from elmyr.report.pages.articles.shown import PLUS, Shown, cell, found_of
from elmyr.report.pages.articles.texts import REASONS, SETTINGS, SHOWN
from elmyr.report.parts.evidence import copies_sentence
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import MISSING, count, number
from elmyr.report.parts.page import figures_table, note
from elmyr.report.parts.records import Figure, flattened
from elmyr.report.parts.sections import judged
from elmyr.report.words import Words

CHANGE_HEAD = ("setting", "as written", "cured", "why")
REMEDIES_TOLD = (
    "The articles' own remedies, each alone beside the system as written:",
    "From written to cured, step by step: each row has the steps above it, too.",
)
REMEDY_HEAD = ("remedy", "images seen", "pictures", "verdict", "FID (elmyr's features)", "classes found", "recall")


def figures(shown: Shown) -> Markup:
    """A figure a row, a training a column, beside the same of real images."""
    words, trainings = shown.words, shown.main
    taken = [_figures_of(each) for each in trainings]
    rows = [
        [
            words(FIGURES[name].title),
            *(cell(each.get(name), words) for each in taken),
            number(next(each[name].yardstick for each in taken if name in each)),
            words(FIGURES[name].better),
        ]
        for name in SHOWN
        if any(name in each for each in taken)
    ]
    if not rows:
        return note(words("not measured"))
    rows.append([words("classes found"), *map(found_of, trainings), "", words("higher")])
    head = [words("figure"), *map(shown.name, trainings), words("real-data baseline"), words("better when")]
    conditions = dict.fromkeys(judged(each.evaluation, words) for each in trainings if each.evaluation)
    return join(
        *map(note, conditions),
        figures_table(shown.label(words("Figures of the generated images")), head, rows, words=(len(head) - 1,)),
        _copies(shown.system.cured, words),
    )


def _figures_of(training: Training) -> dict[str, Figure]:
    return {figure.name: figure for figure in training.evaluation.figures} if training.evaluation else {}


def _copies(cured: Training | None, words: Words) -> Markup:
    copies = cured.evaluation.copies if cured and cured.evaluation else None
    return note(words("Cured: {told}", told=copies_sentence(copies, words))) if copies else Markup()


def changes(shown: Shown) -> Markup:
    """The settings in which the cured training differs; the layers are the same."""
    words, written, cured = shown.words, shown.system.written, shown.system.cured
    if written is None or cured is None:
        return Markup()
    before, after = (settings_of(shown.folder, each) for each in (written, cured))
    rows = [
        (_setting(each.name, words), each.before, each.after, _reason(each, words))
        for each in changes_between(before, after, absent=MISSING)
    ]
    if not rows:
        return Markup()
    head = [words(name) for name in CHANGE_HEAD]
    told = words("The layers are the same. These settings differ:")
    return join(note(told), figures_table(shown.label(words("The settings that differ")), head, rows, words=(1, 2, 3)))


def _setting(name: str, words: Words) -> str:
    """What a setting is in words, above its name."""
    code = tag("code", name)
    return join(tag("span", words(SETTINGS[name])), tag("small", code)) if name in SETTINGS else code


def _reason(change: Change, words: Words) -> str:
    found = REASONS.get(f"{change.name}={change.after}") or REASONS.get(change.name)
    return words(found) if found else ""


def remedies(shown: Shown) -> Markup:
    """The article's remedies, each alone; then the steps from written to cured, each with those above it."""
    words = shown.words
    alone, steps = _apart(shown.system.of_kind("remedy"))
    written, cured = ([each] if each else [] for each in (shown.system.written, shown.system.cured))
    groups = ([*written, *alone] if alone else [], [*written, *steps, *cured] if steps else [])
    return join(
        *(
            join(note(words(text)), _remedies_table(shown, shown.label(words(text)), rows, added=rows is groups[1]))
            for text, rows in zip(REMEDIES_TOLD, groups, strict=True)
            if rows
        )
    )


def _apart(found: list[Training]) -> tuple[list[Training], list[Training]]:
    """Remedies that stand alone, and steps that add up: those begin one before the first that is named with a plus."""
    plus = next((place for place, each in enumerate(found) if each.name.startswith(PLUS)), len(found) + 1)
    return found[: plus - 1], found[plus - 1 :]


def _remedies_table(shown: Shown, label: str, rows: list[Training], *, added: bool) -> Markup:
    """`added`: whether the settings of each row come on top of those of the row before it, not of the first."""
    words = shown.words
    head = [words(name) for name in REMEDY_HEAD]
    before = [rows[0], *(rows[:-1] if added else rows[:1] * (len(rows) - 1))]
    cells = [_remedy(shown, each, other.settings) for each, other in zip(rows, before, strict=True)]
    return figures_table(label, head, cells, words=(2, 3))


def _remedy(shown: Shown, training: Training, known: Mapping[str, object]) -> list[str]:
    words, taken = shown.words, _figures_of(training)
    told, color = shown.told(training)
    new = {name: value for name, value in training.settings.items() if known.get(name) != value}
    given = ", ".join(f"{name}={value}" for name, value in flattened(new)) if training.kind == "remedy" else ""
    name = tag("span", shown.name(training))
    return [
        join(name, tag("small", tag("code", given))) if given else name,
        count(training.images),
        tag("div", shown.strip(training), class_="strip"),
        tag("span", told, class_=f"told {color}"),
        cell(taken.get("frechet_distance"), words),
        found_of(training),
        cell(taken.get("recall"), words),
    ]
