"""The page of a comparison: which is better, figure by figure, drawn with intervals."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from elmyr.core.files import write_text
from elmyr.evaluation import Comparison
from elmyr.evaluation.comparison import ComparedFigure
from elmyr.evaluation.extractors import called
from elmyr.report.charts.svg import Bar, interval_chart
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import count, number
from elmyr.report.parts.page import figures_table, note, page, section
from elmyr.report.parts.sections import meanings
from elmyr.report.writing import check_page

WORDS = {"lower": "low", "higher": "high", "near the baseline": "near the baseline"}
COLORS = {None: "generated", "better": "better", "worse": "worse", "no significant effect": "same"}


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Writes the page of a comparison, whole or not at all; InputError as `check_page`."""
    check_page(path)
    write_text(path, comparison_page(comparison))


def comparison_page(comparison: Comparison) -> str:
    """The HTML of a comparison."""
    name, dimension = called(comparison.extractor), comparison.extractor["dimension"]
    told = (
        f"{count(comparison.count)} images of each{_real_count(comparison)} of the {comparison.against} part of "
        f"{comparison.data} (split {comparison.split_seed}), feature extractor \u201c{name}\u201d ({dimension} "
        "features). Bars are 95 % intervals. The broken line is the real-data baseline: the same figure for real "
        "images. Colors say better or worse than "
        f"{comparison.subjects[0]}, or no significant effect, by the interval of the difference: bars that overlap may "
        "still differ."
    )
    told_of = meanings([row.name for row in comparison.rows], comparison.extractor["name"])
    return page(
        f"elmyr comparison with {comparison.subjects[0]}",
        tag("section", *(tag("p", line, class_="sentence") for line in summaries(comparison)), class_="opening"),
        section("Figure by figure", note(told), tag("div", *map(_chart, comparison.rows), class_="charts"), told_of),
        section("In numbers", _table(comparison)),
    )


def _real_count(comparison: Comparison) -> str:
    """How many real images these stand against, and by whose conventions, where not by elmyr's own."""
    if comparison.convention is None:
        return ", against as many"
    return f" or more, by the conventions of {comparison.convention['name']}, against {comparison.convention['real']:,}"


def summaries(comparison: Comparison) -> list[str]:
    """A sentence for each subject but the first: in how many figures it is better, worse, no different."""
    first, *others = comparison.subjects
    lines = []
    for place, other in enumerate(others, 1):
        found = Counter(row.sides[place].outcome for row in comparison.rows)
        words = ("better", "worse", "no significant effect")
        counted = ", ".join(f"{word} in {found[word]}" for word in words if found[word])
        lines.append(f"{other} beside {first}: {counted} of {len(comparison.rows)} figures.")
    return lines


def _chart(row: ComparedFigure) -> Markup:
    bars = [Bar(side.subject, COLORS[side.outcome], side.value, side.low, side.high) for side in row.sides]
    caption = tag("figcaption", tag("strong", row.title), tag("span", f"best: {WORDS[row.better]}", class_="note"))
    return tag("figure", caption, interval_chart(row.title, bars, mark=row.yardstick), class_="chart")


def compared_rows(comparison: Comparison, place: int) -> list[list[str]]:
    """Each figure of the subject at `place` beside the first: baseline, first, this, difference, interval, outcome."""
    rows = []
    for row in comparison.rows:
        first, this = row.sides[0], row.sides[place]
        assert this.difference is not None and this.outcome is not None  # the first alone has none
        apart, low, high = map(number, this.difference)
        values = [number(row.yardstick), number(first.value), number(this.value)]
        rows.append([row.title, *values, apart, f"{low} to {high}", this.outcome])
    return rows


def _table(comparison: Comparison) -> Markup:
    first, *others = comparison.subjects
    tables = []
    for place, other in enumerate(others, 1):
        head = ("figure", "real-data baseline", first, other, "difference", "interval", "the latter is")
        tables.append(figures_table(f"{other} beside {first}", head, compared_rows(comparison, place), words=(6,)))
    return join(*tables)
