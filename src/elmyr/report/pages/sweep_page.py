"""The page of a sweep: every variant's figure with its interval, which is best, and all figures side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from elmyr.core.errors import InputError
from elmyr.report.charts.svg import Bar, interval_chart
from elmyr.report.pages.comparison_page import COLORS
from elmyr.report.parts.markup import Markup, tag
from elmyr.report.parts.numbers import MISSING, count, duration, is_finite, number
from elmyr.report.parts.page import facts_table, figures_table, note, page, section
from elmyr.report.parts.records import Record, validated
from elmyr.report.parts.sections import commands, foot, meanings, versions
from elmyr.report.words import ENGLISH, Words, figure_title

SWEEP = "sweep.json"
OF_BEST, WORSE = "best", "worse"


class Said(Record):
    """A sentence, and what stands in its places."""

    text: str
    values: dict[str, Any] = Field(default_factory=dict)


class Step(Record):
    """What may come next, and by which command."""

    what: str
    command: str


class Variant(Record):
    """The trainings by one combination of values; their figure is a mean over seeds."""

    number: int
    name: str
    values: list[float | None] = Field(default_factory=list)
    value: float | None = None
    low: float | None = None
    high: float | None = None
    diverged: dict[str, int] = Field(default_factory=dict)
    outcome: str | None = None
    seconds: float | None = None


class Side(Record):
    """A variant's figure in the comparison of the first seed's trainings."""

    subject: str
    value: float | None
    low: float | None = None
    high: float | None = None
    outcome: str | None = None


class Row(Record):
    """A figure of all variants."""

    name: str
    title: str
    yardstick: float | None = None
    sides: list[Side]


class Compared(Record):
    """The comparison of the first seed's trainings, the best one first."""

    count: int
    split_seed: int
    extractor: dict[str, Any]
    rows: list[Row]


class SweepRecord(Record):
    """What `sweep.json` holds, as far as the page shows it."""

    data: dict[str, Any]
    images: int
    seeds: list[int]
    figure: str | None = None
    count: int | None = None
    baseline: float | None = None
    variants: list[Variant]
    best: int | None = None
    told: list[Said] = Field(default_factory=list)
    next: list[Step] = Field(default_factory=list)
    comparison: Compared | None = None
    seconds: float | None = None
    command: str | None = None
    machine: dict[str, Any] = Field(default_factory=dict)


def sweep_page(folder: Path, words: Words = ENGLISH) -> str:
    """The HTML of a sweep's folder; InputError where its record is damaged or not there yet."""
    if not (folder / SWEEP).is_file():
        raise InputError(f"the sweep in '{folder}' is not finished: elmyr resume {folder}")
    record = validated(SweepRecord, folder / SWEEP)
    told = [tag("p", words(each.text, **each.values), class_="sentence") for each in record.told]
    steps = [f"# {words(step.what)}\n{step.command}" for step in record.next]
    return page(
        words("Sweep of settings on {name}", name=record.data.get("name", MISSING)),
        tag("section", *told, class_="opening"),
        _variants(record, words),
        _side_by_side(record.comparison, words) if record.comparison is not None else Markup(),
        section(words("What comes next"), commands(steps, words("Commands"))) if steps else Markup(),
        section(
            words("How this was made"),
            facts_table(words("Data and budget"), _facts(record, words)),
            commands([record.command] if record.command else [], words("The command")),
            versions(record.machine, words),
        ),
        foot=foot(record.machine, words),
        words=words,
    )


def rows_of(content: Mapping[str, Any], words: Words = ENGLISH) -> list[list[str]]:
    """A table of the variants, its head first, of what `sweep.json` holds."""
    return _rows(SweepRecord.model_validate(content), words)


def _rows(record: SweepRecord, words: Words) -> list[list[str]]:
    title = figure_title(record.figure, words) if record.figure else words("figure")
    rows = [
        [
            words("settings"),
            title,
            words("95 % interval"),
            words("images seen"),
            words("time"),
            words("beside the best"),
        ]
    ]
    for each in sorted(record.variants, key=lambda one: (one.value is None, one.value or 0.0)):
        within = is_finite(each.low) and is_finite(each.high)
        interval = words("{low} to {high}", low=number(each.low), high=number(each.high)) if within else ""
        outcome = words(OF_BEST if each.number == record.best else each.outcome or "")
        if each.diverged:
            seen = count(min(each.diverged.values()))
            interval, outcome = "", words("diverged at {images} images", images=seen)
        elif each.value is None:
            outcome = words("not finite")
        value = number(each.value)
        rows.append([each.name, value, interval, count(record.images), duration(each.seconds, words), outcome])
    return rows


def _variants(record: SweepRecord, words: Words) -> Markup:
    """The figure of each variant, drawn and as a table."""
    head, *rows = _rows(record, words)
    bars = [_bar(each, record) for each in record.variants]
    of = words(
        "{count} images of each beside the validation images, which choose; the broken line is the same figure for "
        "real images.",
        count=count(record.count),
    )
    over = (
        words("One training each: the intervals cover the choice of images, not what another seed would give.")
        if len(record.seeds) == 1
        else words(
            "Means over {seeds} seeds with their 95 % intervals; rings are single seeds.", seeds=len(record.seeds)
        )
    )
    chosen = words(
        "The best is chosen among all, and no interval is corrected for that or for their number: of many settings "
        "some are called worse by chance."
    )
    drawn = interval_chart(head[1], bars, mark=record.baseline, words=words)
    return section(
        words("The settings"),
        note(of),
        note(over),
        note(chosen) if any(each.outcome == WORSE for each in record.variants) else Markup(),
        tag("figure", drawn, class_="chart") if drawn else Markup(),
        figures_table(words("The settings"), head, rows, words=(0, 5)),
    )


def _bar(variant: Variant, record: SweepRecord) -> Bar:
    color = "better" if variant.number == record.best else COLORS.get(variant.outcome, "same")
    rings = [value for value in variant.values if value is not None and is_finite(value)]
    return Bar(variant.name, color, variant.value, variant.low, variant.high, rings if len(record.seeds) > 1 else ())


def _side_by_side(comparison: Compared, words: Words) -> Markup:
    """Each figure of the first seed's trainings, beside the best one's."""
    told = words(
        "The trainings of seed {seed}, {count} images of each. Colors say better or worse than the first, or no "
        "significant effect, by the interval of the difference.",
        seed=comparison.split_seed, count=count(comparison.count),
    )  # fmt: skip
    charts = [_chart(row, words) for row in comparison.rows]
    names = [row.name for row in comparison.rows]
    return section(
        words("Figure by figure"),
        note(told),
        tag("div", *charts, class_="charts"),
        meanings(names, str(comparison.extractor.get("name", "")), words),
    )


def _chart(row: Row, words: Words) -> Markup:
    title = figure_title(row.title, words)
    bars = [Bar(side.subject, COLORS.get(side.outcome, "same"), side.value, side.low, side.high) for side in row.sides]
    caption = tag("figcaption", tag("strong", title))
    return tag("figure", caption, interval_chart(title, bars, mark=row.yardstick, words=words), class_="chart")


def _facts(record: SweepRecord, words: Words) -> Sequence[tuple[str, str]]:
    facts = [
        (words("data"), str(record.data.get("name", MISSING))),
        (words("images seen"), count(record.images)),
        (words("seeds"), ", ".join(map(str, record.seeds))),
    ]
    return [*facts, (words("all work"), duration(record.seconds, words))]
