"""The page of `elmyr articles`: all systems in one table, a section each, then how it was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from elmyr.evaluation.extractors import ELMYRS
from elmyr.report.pages.articles.record import (
    FAR,
    HEEDED,
    LITTLE,
    NOTHING_LIKE,
    NOTHING_REAL,
    SOME,
    Articles,
    ImagesRecord,
    System,
    Training,
    read_articles,
)
from elmyr.report.pages.articles.shown import Shown
from elmyr.report.pages.articles.system import system_section
from elmyr.report.pages.articles.texts import KINDS, SHOWN, SIDES
from elmyr.report.parts.markup import Markup, tag
from elmyr.report.parts.numbers import count, duration, number, percent
from elmyr.report.parts.page import facts_table, figures_table, note, page, scrolling, section
from elmyr.report.parts.sections import commands, foot, judged, meanings, versions
from elmyr.report.words import ENGLISH, Words

PAIR = ("written", "cured")
PARTS: Mapping[str, Callable[[System], object]] = {  # of what is known of a system
    "training as written": lambda system: system.written,
    "cured training": lambda system: system.cured,
    "figures as written": lambda system: system.written and system.written.evaluation,
    "figures of the cured system": lambda system: system.cured and system.cured.evaluation,
    "remedies (--remedies)": lambda system: system.of_kind("remedy"),
    "recognition": lambda system: system.uses and system.uses.recognition,
    "repair": lambda system: system.uses and system.uses.repair,
    "variation": lambda system: system.uses and system.uses.walk,
}


def articles_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a folder of `elmyr articles`; InputError where its record is damaged or not there yet."""
    articles = read_articles(folder)
    shown = [Shown(folder, articles, system, f"system-{place}", words) for place, system in enumerate(articles.systems)]
    return page(
        words("The systems of five articles on {name}", name=words(", ").join(each.name for each in articles.sets)),
        _overview(articles, shown, words),
        *map(system_section, shown),
        _measuring(articles, words),
        _missing(shown, words),
        _making(articles, words),
        foot=foot(articles.machine, words),
        words=words,
    )


def _overview(articles: Articles, shown: list[Shown], words: Words) -> Markup:
    """How many systems show all classes, then a row a system."""
    complete = {
        kind: sum(each.shows_all for system in articles.systems for each in system.of_kind(kind)[:1]) for kind in PAIR
    }
    told = words(
        "Systems with every class: {written} of {all} as written, {cured} of {all} cured", **complete, all=len(shown)
    )
    head = [tag("th", name, scope="col") for name in (words("system"), words("as written"), words("cured"))]
    table = tag(
        "table",
        tag("thead", tag("tr", *head)),
        tag("tbody", *map(_row, shown)),
        class_="overview",
    )
    return tag(
        "section",
        tag("p", told, class_="short word"),
        tag("p", words("Each system is trained as its article has it, and cured: the same layers, today's objective, "
                       "penalties and learning rates."), class_="sentence"),
        scrolling(words("All systems"), table),
        note(
            words(
                "The first images as they come, none is picked by hand; where a system knows classes, a column is a "
                "class. FID: lower is better, and only the two of a row compare."
            )
        ),
        class_="opening",
    )  # fmt: skip


def _row(shown: Shown) -> Markup:
    system = shown.system
    link = tag("a", shown.title, href=f"#{shown.anchor}")
    name = tag("th", link, tag("small", tag("code", system.preset)), scope="row")
    cells = [_side(shown, kind, next(iter(system.of_kind(kind)), None)) for kind in PAIR]
    return tag("tr", name, *cells)


def _side(shown: Shown, kind: str, training: Training | None) -> Markup:
    """Strip, verdict, FID and classes found."""
    words = shown.words
    told, color = shown.told(training)
    caption = tag("span", words(KINDS[kind]), class_=SIDES.get(kind, "side written"))
    if training is None:
        return tag("td", caption, tag("strong", told, class_=f"told {color}"))
    distance = training.value("frechet_distance")
    yardstick = _yardstick(training)
    figures = []
    if distance is not None:
        figures.append(words("FID {value} (real {real})", value=number(distance), real=number(yardstick)))
    if training.found is not None and training.verdict == NOTHING_LIKE:
        figures.append(words("classes found {found} of {all}", found=training.found, all=len(training.classes_found)))
    return tag(
        "td",
        caption,
        shown.strip(training),
        tag("strong", told, class_=f"told {color}"),
        tag("small", " \u00b7 ".join(figures)),
    )


def _yardstick(training: Training) -> float | None:
    taken = training.evaluation.figures if training.evaluation else []
    return next((each.yardstick for each in taken if each.name == "frechet_distance"), None)


def _measuring(articles: Articles, words: Words) -> Markup:
    """How figures and verdicts came about."""
    evaluations = [
        each.evaluation for system in articles.systems for each in system.trainings if each.evaluation is not None
    ]
    return section(
        words("How this was measured"),
        *(note(line) for line in dict.fromkeys(judged(each, words) for each in evaluations)),
        note(words(" The real-data baseline is the same figure for real images in place of generated ones.").strip()),
        note(
            words(
                "A class is found where a recognizer takes at least a tenth of an equal share of the generated images "
                "for it. Images are like no real one where precision is below {precision}; few look real where "
                "coverage is below {far}; they are far less varied than real ones where recall is below {little}, with "
                "some variety below {some}; the requested class is heeded where conditional accuracy is {heeded} or "
                "more.",
                precision=percent(NOTHING_REAL, 0), far=percent(FAR, 0), little=percent(LITTLE, 0),
                some=percent(SOME, 0),
                heeded=percent(HEEDED, 0),
            )
        ),
        note(words("One training each: the intervals cover the choice of images, not what another seed would give.")),
        meanings(SHOWN, ELMYRS[0], words),
    )  # fmt: skip


def _missing(shown: Sequence[Shown], words: Words) -> Markup:
    """What was not trained or tried, a system a row."""
    rows = [(each.title, words(", ").join(words(part) for part in missing_of(each.system)))
            for each in shown]  # fmt: skip
    rows = [row for row in rows if row[1]]
    rows.append((words("What another training would give"), words("give the command again with another --seed")))
    title = words("What was not measured")
    return section(title, figures_table(title, [words("what"), words("not measured")], rows, words=(1,)))


def missing_of(system: System) -> list[str]:
    """What the record does not tell of a system."""
    return [name for name, found in PARTS.items() if not found(system)]


def _making(articles: Articles, words: Words) -> Markup:
    """The command, the images, the time, the machine."""
    facts = [(words("data"), _images(each, words)) for each in articles.sets]
    if articles.effort:
        facts.append((words("effort"), words(articles.effort)))
    if articles.seed is not None:
        facts.append((words("seed"), str(articles.seed)))
    if articles.seconds is not None:
        facts.append((words("all work"), duration(articles.seconds, words)))
    return section(
        words("How this was made"),
        facts_table(words("Data and budget"), facts),
        commands([articles.command] if articles.command else [], words("The command")),
        versions(articles.machine, words),
    )


def _images(images: ImagesRecord, words: Words) -> str:
    size = f"{images.height}x{images.width}x{images.channels}" if images.height and images.width else ""
    told = words(
        "{name}: {training} training and {test} test images",
        name=images.name, training=count(images.training), test=count(images.test),
    )  # fmt: skip
    return f"{told}, {size}" if size else told
