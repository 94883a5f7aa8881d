"""The page of repaired images: figures by damage and method, and rows of pictures."""

from __future__ import annotations

from pathlib import Path

from elmyr.core.files import write_text
from elmyr.evaluation.of_tasks.repair import DamageRow, RepairJudgment
from elmyr.report.charts.pictures import grid
from elmyr.report.parts.markup import Markup, tag
from elmyr.report.parts.numbers import count
from elmyr.report.parts.page import note, page, section
from elmyr.report.parts.task_figures import RepairFigures, repair_table
from elmyr.report.writing import check_page


def write_repair(judgment: RepairJudgment, path: Path) -> None:
    """Writes the page of repaired images, whole or not at all; InputError as `check_page`."""
    check_page(path)
    write_text(path, repair_page(judgment))


def repair_page(judgment: RepairJudgment) -> str:
    """The HTML of a judgment."""
    told = f"{count(judgment.count)} images of {judgment.data}, damaged and repaired; the same for every method."
    table = repair_table(RepairFigures.model_validate(judgment.as_json()))
    return page(
        f"elmyr repair of {judgment.data}",
        section("Figures", note(told), table),
        section("Pictures", note("The first images as they come."), *map(_rows, judgment.rows)),
    )


def _rows(row: DamageRow) -> Markup:
    blocks = [
        tag("figure", tag("figcaption", name), grid(images, len(images), f"{len(images)} {name} images, {row.damage}"))
        for name, images in row.pictures.items()
    ]
    return tag("div", tag("h3", row.damage), *blocks)
