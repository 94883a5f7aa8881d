"""One system of `elmyr articles` on its page: its images, how the training went, figures, remedies, uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elmyr.evaluation.figure_specs import FIGURES
from elmyr.report.charts.pictures import embedded, read_pictures, strip
from elmyr.report.charts.svg import Series, line_chart
from elmyr.report.pages.articles_record import (
    Articles,
    Change,
    System,
    Training,
    changes_between,
    collapse_told,
    settings_of,
    told_of,
)
from elmyr.report.pages.articles_texts import CAUSES, KINDS, LAYERS, REASONS, SETTINGS, SHOWN, SIDES
from elmyr.report.pages.articles_uses import uses
from elmyr.report.parts.evidence import copies_sentence
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import MISSING, count, duration, is_finite, number
from elmyr.report.parts.page import figures_table, note
from elmyr.report.parts.records import Figure, read_metrics
from elmyr.report.parts.run_parts import monitor_lines
from elmyr.report.parts.sections import judged
from elmyr.report.words import Words

MAIN = ("written", "text", "cured", "rescued")  # kinds that stand side by side; remedies have a table of their own
ROWS, COLUMNS = 2, 10  # of a strip
WATCHED = {  # what the training monitor logs, beside the real images' 1
    "watch_modes": "Modes covered, as a share of the real images'",
    "watch_diversity": "Diversity within classes, as a share of the real images'",
}
CHANGE_HEAD = ("setting", "as written", "cured", "why")
REMEDY_HEAD = ("remedy", "pictures", "verdict", "FID (elmyr's features)", "classes found", "recall")
CURVE_COLORS = {"written": "generated", "text": "same", "cured": "better", "rescued": "real"}


@dataclass(frozen=True)
class Shown:
    """What every part of a section needs; `anchor` is its place on the page."""

    folder: Path
    articles: Articles
    system: System
    anchor: str
    words: Words

    @property
    def main(self) -> list[Training]:
        """The trainings that stand side by side."""
        return [training for kind in MAIN for training in self.system.of_kind(kind)]

    def told(self, training: Training | None) -> tuple[str, str]:
        """The verdict in words, and its color."""
        return told_of(training, self.articles.images_of(self.system), self.words)

    def label(self, title: str) -> str:
        """The name of a table, which no other of the page has."""
        return self.words("{system}: {title}", system=title_of(self.system, self.words), title=title)

    def name(self, training: Training) -> str:
        """What the page calls a training."""
        kind = KINDS.get(training.kind, training.name)
        return self.words(training.name if training.kind == "remedy" else kind)


def title_of(system: System, words: Words) -> str:
    """The article's number and title."""
    return words("Article {number}: {title}", number=system.number, title=words(system.title))


def system_section(shown: Shown) -> Markup:
    """All that the page says of one system."""
    words, system = shown.words, shown.system
    layers = LAYERS.get(system.preset)
    return tag(
        "section",
        tag("h2", title_of(system, words)),
        tag("p", _summary(shown), class_="sentence"),
        note(words(layers)) if layers else "",
        tag("div", *(_grid(shown, training) for training in shown.main), class_="blocks"),
        *_titled(words("How the training went"), _courses(shown), _watched(shown)),
        *_titled(words("Figures"), _figures(shown)),
        *_titled(words("What cured changes"), _changes(shown)),
        *_titled(words("Remedies, one at a time"), _remedies(shown)),
        *_titled(words("What had to be put right in the article"), _listed(system.put_right, words)),
        *_titled(words("Problems that the article names"), _listed(system.troubles, words)),
        *_titled(
            words("What the images are good for"), uses(shown.folder, system.uses, title_of(system, words), words)
        ),
        id=shown.anchor,
    )


def picture_strip(shown: Shown, training: Training) -> Markup:
    """A few images of a training: those of its run, a class a column, or its whole picture; empty if there are none."""
    words = shown.words
    alt = words("A few images: {name}", name=shown.name(training))
    pictures = read_pictures(shown.folder / training.run / "generated.npz") if training.run else None
    if pictures is not None and len(pictures):
        return strip(pictures, ROWS, COLUMNS, alt)
    return embedded(shown.folder / training.picture, alt) if training.picture else Markup()


def _titled(title: str, *parts: str) -> list[Markup]:
    content = join(*parts)
    return [tag("h3", title), content] if content else []


def _listed(texts: Sequence[str], words: Words) -> Markup:
    return tag("ul", *(tag("li", words(text)) for text in texts)) if texts else Markup()


def _summary(shown: Shown) -> str:
    written, cured = (shown.told(each)[0] for each in (shown.system.written, shown.system.cured))
    return shown.words("As written: {written}. Cured: {cured}.", written=written, cured=cured)


def _grid(shown: Shown, training: Training) -> Markup:
    words, name = shown.words, shown.name(training)
    alt = words("Grid of generated images: {name}", name=name)
    picture = embedded(shown.folder / training.picture, alt) if training.picture else Markup()
    told, color = shown.told(training)
    return tag(
        "figure",
        tag(
            "figcaption", tag("strong", name, class_=SIDES.get(training.kind, "side written")), _budget(training, words)
        ),
        picture or strip_or_none(shown, training),
        tag("p", told, class_=f"told {color}"),
        note(words(LAYERS[training.preset])) if training.kind == "text" and training.preset in LAYERS else "",
    )


def strip_or_none(shown: Shown, training: Training) -> Markup:
    """A few images, or that there are none."""
    return picture_strip(shown, training) or note(shown.words("No picture."))


def _budget(training: Training, words: Words) -> Markup:
    """How long it was trained."""
    parts = [words("{images} images seen", images=count(training.images))] if training.images is not None else []
    if training.epochs is not None:
        parts.append(words("epochs: {epochs}", epochs=number(training.epochs)))
    if training.seconds is not None:
        parts.append(duration(training.seconds, words))
    return tag("small", " \u00b7 ".join(parts)) if parts else Markup()


def _courses(shown: Shown) -> Markup:
    return join(*(_course(shown, training) for training in shown.main))


def _course(shown: Shown, training: Training) -> Markup:
    """Images from the beginning of the training to its end, and what the training monitor said."""
    words, name = shown.words, shown.name(training)
    alt = words("The course of the training: {name}", name=name)
    picture = embedded(shown.folder / training.course, alt) if training.course else Markup()
    lines = monitor_lines(training.troubles, words)
    if collapse := collapse_told(shown.folder, training, words):
        lines.append(collapse)
    if not picture and not lines:
        return Markup()
    causes = [words(CAUSES[name]) for name in _problems(training) if name in CAUSES]
    silent = [] if lines else [words("The training monitor found nothing to report.")]
    return tag(
        "figure",
        tag("figcaption", tag("strong", name, class_=SIDES.get(training.kind, "side written"))),
        picture,
        *(note(line) for line in [*lines, *causes, *silent]),
        class_="course",
    )


def _problems(training: Training) -> list[str]:
    """What the training monitor called, each once."""
    return list(dict.fromkeys(str(each.get("trouble")) for each in training.troubles))


def _watched(shown: Shown) -> Markup:
    """The training monitor's curves, a line a training."""
    runs = {
        training.name: (training, read_metrics(shown.folder / training.run / "metrics.jsonl"))
        for training in shown.main
        if training.run
    }
    charts = [
        line_chart(
            shown.words(title),
            [
                Series(
                    shown.name(training),
                    CURVE_COLORS[training.kind],
                    [(line["images"], line[key]) for line in lines if key in line],
                )
                for training, lines in runs.values()
            ],
            shown.words,
            from_zero=True,
        )
        for key, title in WATCHED.items()
    ]
    drawn = [chart for chart in charts if chart]
    return tag("div", *drawn, class_="charts") if drawn else Markup()


def _figures(shown: Shown) -> Markup:
    """A figure a row, a training a column, beside the same of real images."""
    words, trainings = shown.words, shown.main
    taken = [
        {figure.name: figure for figure in each.evaluation.figures} if each.evaluation else {} for each in trainings
    ]
    names = [name for name in SHOWN if any(name in figures for figures in taken)]
    if not names:
        return note(words("not measured"))
    rows = [
        [
            words(FIGURES[name].title),
            *(_cell(figures.get(name), words) for figures in taken),
            number(next(figures[name].yardstick for figures in taken if name in figures)),
            words(FIGURES[name].better),
        ]
        for name in names
    ]
    found = [MISSING if each.found is None else f"{each.found} / {len(each.classes_found)}" for each in trainings]
    rows.append([words("classes found"), *found, "", words("higher")])
    heads = [shown.name(each) for each in trainings]
    title = words("Figures of the generated images")
    head = [words("figure"), *heads, words("real-data baseline"), words("better when")]
    evaluations = dict.fromkeys(judged(each.evaluation, words) for each in trainings if each.evaluation)
    copies = shown.system.cured.evaluation.copies if shown.system.cured and shown.system.cured.evaluation else None
    return join(
        *(note(line) for line in evaluations),
        figures_table(shown.label(title), head, rows, words=(len(head) - 1,)),
        note(words("Cured: {told}", told=copies_sentence(copies, words))) if copies else "",
    )


def _cell(figure: Figure | None, words: Words) -> str:
    """A value above its interval."""
    if figure is None:
        return MISSING
    ends = words("{low} to {high}", low=number(figure.low), high=number(figure.high))
    known = is_finite(figure.low) and is_finite(figure.high)
    return join(tag("span", number(figure.value)), tag("small", ends)) if known else number(figure.value)


def _changes(shown: Shown) -> Markup:
    """The settings in which the cured training differs; the layers are the same."""
    words, written, cured = shown.words, shown.system.written, shown.system.cured
    if written is None or cured is None:
        return Markup()
    before, after = (settings_of(shown.folder, each) for each in (written, cured))
    changes = changes_between(before, after, absent=MISSING)
    if not changes:
        return Markup()
    rows = [(_setting(each.name, words), each.before, each.after, _reason(each, words)) for each in changes]
    head = [words(name) for name in CHANGE_HEAD]
    title = words("The settings that differ")
    return join(
        note(words("The layers are the same. These settings differ:")),
        figures_table(shown.label(title), head, rows, words=(1, 2, 3)),
    )


def _setting(name: str, words: Words) -> str:
    """What a setting is in words, above its name."""
    code = tag("code", name)
    return join(tag("span", words(SETTINGS[name])), tag("small", code)) if name in SETTINGS else code


def _reason(change: Change, words: Words) -> str:
    found = REASONS.get(f"{change.name}={change.after}") or REASONS.get(change.name)
    return words(found) if found else ""


def _remedies(shown: Shown) -> Markup:
    """From written to cured, one remedy a row."""
    words, remedies = shown.words, shown.system.of_kind("remedy")
    if not remedies:
        return Markup()
    ends = (shown.system.written, shown.system.cured)
    rows = [_remedy(shown, each) for each in (ends[0], *remedies, ends[1]) if each is not None]
    head = [
        words(name) for name in ("remedy", "pictures", "verdict", "FID (elmyr's features)", "classes found", "recall")
    ]
    told = words("Each remedy alone, added to the system as written; the cured system has several of them.")
    return join(note(told), figures_table(shown.label(words("Remedies, one at a time")), head, rows, words=(1, 2)))


def _remedy(shown: Shown, training: Training) -> list[str]:
    words = shown.words
    told, color = shown.told(training)
    figures = {each.name: each for each in training.evaluation.figures} if training.evaluation else {}
    given = ", ".join(f"{name}={value}" for name, value in training.settings.items())
    name = tag("span", shown.name(training))
    return [
        join(name, tag("small", tag("code", given))) if given and training.kind == "remedy" else name,
        tag("div", strip_or_none(shown, training), class_="strip"),
        tag("span", told, class_=f"told {color}"),
        _cell(figures.get("frechet_distance"), words),
        MISSING if training.found is None else f"{training.found} / {len(training.classes_found)}",
        _cell(figures.get("recall"), words),
    ]
