"""The page of translated images: figures of each direction, and rows of pictures there and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from elmyr.evaluation.translation import TranslationJudgment, WayJudgment
from elmyr.files import write_text
from elmyr.report.markup import Markup, tag
from elmyr.report.numbers import count, percent
from elmyr.report.page import facts_table, figures_table, note, page, section
from elmyr.report.pictures import grid
from elmyr.report.writing import check_page

STROKES = ("images", "thickness, pixels", "slant, columns per row")


def write_translation(judgment: TranslationJudgment, path: Path) -> None:
    """Writes the page of translated images, whole or not at all; InputError as `check_page`."""
    check_page(path)
    write_text(path, translation_page(judgment))


def translation_page(judgment: TranslationJudgment) -> str:
    """The HTML of a judgment."""
    names = {"a-to-b": (judgment.a, judgment.b), "b-to-a": (judgment.b, judgment.a)}
    parts = [section(f"From {names[way.name][0]} to {names[way.name][1]}", *_way(way)) for way in judgment.ways]
    return page(f"elmyr translation of {judgment.a} and {judgment.b}", *parts)


def _way(way: WayJudgment) -> list[Markup]:
    rows = [
        (name, f"{each.thickness:.2f}", f"{each.slant:.2f}")
        for name, each in (("given", way.given), ("translated", way.made), ("target images", way.wanted))
    ]
    told = f"{count(way.count)} images. Thickness and slant are of light ink on dark ground."
    pictures = [
        tag(
            "figure", tag("figcaption", _caption(way, name)), grid(images, len(images), f"{len(images)} images: {name}")
        )
        for name, images in way.pictures.items()
    ]
    return [
        note(told),
        facts_table("figures", _facts(way)),
        figures_table("Strokes", STROKES, rows),
        tag("h3", "The first images as they come"),
        *pictures,
    ]


def _facts(way: WayJudgment) -> list[tuple[str, str]]:
    facts = []
    if way.kept is not None:
        low, high = way.kept.interval
        facts.append(
            ("prediction unchanged by translation", f"{percent(way.kept.kept)} ({percent(low)} to {percent(high)})")
        )
        if way.kept.right_before is not None and way.kept.right_after is not None:
            facts.append(("classified correctly before", percent(way.kept.right_before)))
            facts.append(("classified correctly after", percent(way.kept.right_after)))
    if way.near is not None:
        facts.append(("PSNR against the paired image", _decibels(way.near.psnr)))
        facts.append(("SSIM against the paired image", f"{way.near.ssim:.3f}"))
        facts += [
            (f"PSNR and SSIM of {name}", f"{_decibels(each[0])}, {each[1]:.3f}")
            for name, each in way.near.rivals.items()
        ]
    if way.returned is not None:
        facts.append(("PSNR after translating there and back", _decibels(way.returned)))
    return facts


def _decibels(value: float) -> str:
    return f"{value:.2f} dB" if np.isfinite(value) else "nothing changed"


def _caption(way: WayJudgment, name: str) -> str:
    return f"{name}, predicted as {' '.join(way.read[name])}" if name in way.read else name
