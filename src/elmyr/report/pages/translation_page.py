"""The page of translated images: figures of each direction, and rows of pictures there and back."""

from __future__ import annotations

from pathlib import Path

from elmyr.core.files import write_text
from elmyr.evaluation.of_tasks.translation import TranslationJudgment, WayJudgment
from elmyr.report.charts.pictures import grid
from elmyr.report.parts.markup import Markup, tag
from elmyr.report.parts.page import page, section
from elmyr.report.parts.task_figures import TranslationFigures, way_tables
from elmyr.report.writing import check_page


def write_translation(judgment: TranslationJudgment, path: Path) -> None:
    """Writes the page of translated images, whole or not at all; InputError as `check_page`."""
    check_page(path)
    write_text(path, translation_page(judgment))


def translation_page(judgment: TranslationJudgment) -> str:
    """The HTML of a judgment."""
    read = TranslationFigures.model_validate(judgment.as_json())
    parts = [
        section("From {} to {}".format(*read.ends(figures)), way_tables(figures), *_pictures(way))
        for way, figures in zip(judgment.ways, read.ways, strict=True)
    ]
    return page(f"elmyr translation of {judgment.a} and {judgment.b}", *parts)


def _pictures(way: WayJudgment) -> list[Markup]:
    shown = [
        tag(
            "figure", tag("figcaption", _caption(way, name)), grid(images, len(images), f"{len(images)} images: {name}")
        )
        for name, images in way.pictures.items()
    ]
    return [tag("h3", "The first images as they come"), *shown]


def _caption(way: WayJudgment, name: str) -> str:
    return f"{name}, predicted as {' '.join(way.read[name])}" if name in way.read else name
