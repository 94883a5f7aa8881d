"""The page of repaired images: figures by damage and method, and rows of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from elmyr.evaluation.repair import DamageRow, MethodResult, RepairJudgment
from elmyr.files import write_text
from elmyr.report.markup import Markup, tag
from elmyr.report.numbers import count, percent
from elmyr.report.page import figures_table, note, page, section
from elmyr.report.pictures import grid
from elmyr.report.writing import check_page

HEAD = ("damage", "method", "PSNR, dB", "SSIM")
READ = ("classified wrongly", "95 % interval")


def write_repair(judgment: RepairJudgment, path: Path) -> None:
    """Writes the page of repaired images, whole or not at all; InputError as `check_page`."""
    check_page(path)
    write_text(path, repair_page(judgment))


def repair_page(judgment: RepairJudgment) -> str:
    """The HTML of a judgment."""
    told = f"{count(judgment.count)} images of {judgment.data}, damaged and repaired; the same for every method."
    if judgment.clean_error is not None:
        told += f" Undamaged, {percent(judgment.clean_error)} of them are classified wrongly."
    return page(
        f"elmyr repair of {judgment.data}",
        section("Figures", note(told), _table(judgment)),
        section("Pictures", note("The first images as they come."), *map(_rows, judgment.rows)),
    )


def _table(judgment: RepairJudgment) -> Markup:
    rows = [(row.damage, *_figures(result)) for row in judgment.rows for result in row.methods]
    head = HEAD if judgment.clean_error is None else HEAD + READ
    return figures_table("PSNR, SSIM and recognition by damage", head, rows, words=(1,))


def _figures(result: MethodResult) -> tuple[str, ...]:
    decibels = f"{result.psnr:.2f}" if np.isfinite(result.psnr) else "nothing changed"
    told = result.method, decibels, f"{result.ssim:.3f}"
    if result.error is None or result.interval is None:
        return told
    return *told, percent(result.error), f"{percent(result.interval[0])} to {percent(result.interval[1])}"


def _rows(row: DamageRow) -> Markup:
    blocks = [
        tag("figure", tag("figcaption", name), grid(images, len(images), f"{len(images)} {name} images, {row.damage}"))
        for name, images in row.pictures.items()
    ]
    return tag("div", tag("h3", row.damage), *blocks)
