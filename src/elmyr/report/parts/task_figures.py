"""The figures of a restorer, a translator or a recognizer that is one of several runs, as tables."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from pydantic import Field

from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.report.parts.markup import Markup, join, tag
from elmyr.report.parts.numbers import count, percent
from elmyr.report.parts.page import facts_table, figures_table, note
from elmyr.report.parts.records import Reading, Record, validated
from elmyr.report.words import ENGLISH, Words

Ends = tuple[float, float]
REPAIR_HEAD = ("damage", "method", "PSNR, dB", "SSIM")
READ_HEAD = ("classified wrongly", "95 % interval")
STROKES_HEAD = ("images", "thickness, pixels", "slant, columns per row")
STROKES = {"given": "given", "made": "translated", "wanted": "target images"}
READING_HEAD = ("images of", "number of images", "accuracy", "95 % interval", "balanced accuracy")


class Measured(Record):
    """What a run keeps of how its figures were taken."""

    part: str = "test"
    count: int | None = None
    options: tuple[str, ...] = ()


class MethodFigures(Record):
    """One method on one damage; psnr is None where nothing changed."""

    method: str
    psnr: float | None
    ssim: float
    error: float | None = None
    interval: Ends | None = None


class DamageFigures(Record):
    """One damage."""

    damage: str
    methods: list[MethodFigures]


class RepairFigures(Measured):
    """How well damage is undone."""

    data: str
    clean_error: float | None = None
    rows: list[DamageFigures]


class StrokeFigures(Record):
    """How thick and slanted strokes are."""

    thickness: float | None
    slant: float | None


class KeptFigures(Record):
    """How often the prediction stays the same, and is right."""

    kept: float
    interval: Ends
    right_before: float | None = None
    right_after: float | None = None


class NearFigures(Record):
    """How near what was made is to its pair; psnr is None where they are the same."""

    psnr: float | None
    ssim: float
    rivals: dict[str, tuple[float | None, float]] = Field(default_factory=dict)


class WayFigures(Record):
    """One direction."""

    name: str
    count: int
    given: StrokeFigures
    made: StrokeFigures
    wanted: StrokeFigures
    kept: KeptFigures | None = None
    near: NearFigures | None = None
    returned: float | None = None


class TranslationFigures(Measured):
    """How well images are translated, a direction after the other."""

    a: str
    b: str
    ways: list[WayFigures]

    def ends(self, way: WayFigures) -> tuple[str, str]:
        """The domains that a direction leads from and to."""
        return (self.a, self.b) if way.name == "a-to-b" else (self.b, self.a)


def restorer_figures(folder: Path, command: str, words: Words) -> Markup:
    """What a restorer's run keeps of its figures; empty where it has none. command: takes them, without options."""
    return join(
        *(
            join(
                note(words("{count} {part} images of {data}, damaged and repaired; the same for every method.",
                           count=count(one.count), part=words(one.part), data=one.data)),
                repair_table(one, words),
                _taken_by(command, one),
            )
            for one in _kept(RepairFigures, folder)
        )
    )  # fmt: skip


def translator_figures(folder: Path, command: str, words: Words) -> Markup:
    """What a translator's run keeps of its figures; parameters as `restorer_figures`."""
    return join(
        *(
            join(
                *(
                    join(tag("h3", words("From {name} to {other}", name=one.ends(way)[0], other=one.ends(way)[1])),
                         way_tables(way, words, words(one.part)))
                    for way in one.ways
                ),
                _taken_by(command, one),
            )
            for one in _kept(TranslationFigures, folder)
        )
    )  # fmt: skip


def adaptation_figures(folder: Path, command: str, words: Words) -> Markup:
    """How well the recognizer of an adaptation reads, on each set of images that it was tried on."""
    return readings_table(folder / "recognizer", words)


def readings_table(folder: Path, words: Words, *, without: Path | None = None) -> Markup:
    """The readings that a recognizer's run keeps, a row each; empty where there is none."""
    kept = [path for path in RunDirectory(folder).evaluations if path != without]
    readings = [validated(Reading, path) for path in kept]
    rows = [
        (
            f"{one.data} ({words(one.part)})" if one.part else one.data,
            count(one.count),
            percent(one.accuracy, 1),
            interval(one.interval, words),
            percent(one.balanced_accuracy, 1),
        )
        for one in readings
    ]
    title = words("How well it recognizes")
    return figures_table(title, [words(name) for name in READING_HEAD], rows) if rows else Markup()


def repair_table(read: RepairFigures, words: Words = ENGLISH) -> Markup:
    """PSNR, SSIM and what is classified wrongly, by damage and method."""
    known = read.clean_error is not None
    told = words("Undamaged, {share} of them are classified wrongly.", share=percent(read.clean_error)) if known else ""
    rows = [
        (
            row.damage,
            words(one.method),
            words("nothing changed") if one.psnr is None else f"{one.psnr:.2f}",
            f"{one.ssim:.3f}",
            *((percent(one.error), interval(one.interval, words, 2)) if known else ()),
        )
        for row in read.rows
        for one in row.methods
    ]
    head = [words(name) for name in (*REPAIR_HEAD, *(READ_HEAD if known else ()))]
    title = words("PSNR, SSIM and recognition by damage")
    return join(note(told) if told else "", figures_table(title, head, rows, words=(1,)))


def way_tables(way: WayFigures, words: Words = ENGLISH, part: str = "") -> Markup:
    """The figures of one direction, and the strokes before, after and in the target domain."""
    told = words("{count} {part} images.", count=count(way.count), part=part) if part else f"{count(way.count)} images."
    strokes = [
        (words(title), _decimals(each.thickness), _decimals(each.slant))
        for name, title in STROKES.items()
        for each in (getattr(way, name),)
    ]
    return join(
        note(f"{told} {words('Thickness and slant are of light ink on dark ground.')}"),
        facts_table(words("Figures"), _facts(way, words)),
        figures_table(words("Strokes"), [words(name) for name in STROKES_HEAD], strokes),
    )


def interval(ends: Ends | None, words: Words, decimals: int = 1) -> str:
    """An interval in percent; empty where there is none."""
    if ends is None:
        return ""
    return words("{low} to {high}", low=percent(ends[0], decimals), high=percent(ends[1], decimals))


def _facts(way: WayFigures, words: Words) -> list[tuple[str, str]]:
    facts = []
    if (kept := way.kept) is not None:
        share = f"{percent(kept.kept)} ({interval(kept.interval, words, 2)})"
        facts.append((words("prediction unchanged by translation"), share))
        if kept.right_before is not None and kept.right_after is not None:
            facts.append((words("classified correctly before"), percent(kept.right_before)))
            facts.append((words("classified correctly after"), percent(kept.right_after)))
    if (near := way.near) is not None:
        facts.append((words("PSNR against the paired image"), _decibels(near.psnr, words)))
        facts.append((words("SSIM against the paired image"), f"{near.ssim:.3f}"))
        facts += [
            (words("PSNR and SSIM of {name}", name=name), f"{_decibels(psnr, words)}, {ssim:.3f}")
            for name, (psnr, ssim) in near.rivals.items()
        ]
    if way.returned is not None:
        facts.append((words("PSNR after translating there and back"), _decibels(way.returned, words)))
    return facts


def _kept(kind: type[Any], folder: Path) -> list[Any]:
    return [validated(kind, path) for path in RunDirectory(folder).evaluations]


def _taken_by(command: str, measured: Measured) -> Markup:
    return tag("pre", tag("code", " ".join([command, *map(shlex.quote, measured.options)])))


def _decibels(value: float | None, words: Words) -> str:
    return words("nothing changed") if value is None else f"{value:.2f} dB"


def _decimals(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
