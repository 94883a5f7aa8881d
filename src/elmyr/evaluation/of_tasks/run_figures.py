"""Figures of a restorer's or a translator's run: measured on a part of its images, and kept in its directory."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from elmyr.engine.saving.places import Run, place_of
from elmyr.engine.saving.run_directory import open_run
from elmyr.evaluation.of_tasks.kept_figures import Figures, keep_figures
from elmyr.evaluation.of_tasks.repair import (
    DAMAGED,
    REPAIRED,
    RepairJudgment,
    images_to_repair,
    judge_repair,
    restoring,
)
from elmyr.evaluation.of_tasks.translation import TranslationJudgment, images_to_translate, judge_translation
from elmyr.evaluation.paired_samples import first_of
from elmyr.tasks.recognition import open_recognizer
from elmyr.tasks.restoration.spec import KIND as RESTORER
from elmyr.tasks.translation import Translator
from elmyr.tasks.translation.spec import KIND as TRANSLATOR

LIMIT = 1000  # images that a run is measured on, unless told otherwise


def evaluate_restorer(
    run: Run,
    *,
    recognizer: Run | None = None,
    damages: Sequence[str] = (),
    part: str = "test",
    limit: int = LIMIT,
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
    quiet: bool = True,
) -> RepairJudgment:
    """Measures a restorer's run by damage, as `judge_repair`, and keeps the figures in it as `keep_figures`.

    damages: corruptions; each kind at two severities where none is given. part: of the run's images, "test",
    "validation" or "train". limit: at most so many of them.
    """
    reader = None if recognizer is None else open_recognizer(recognizer, device=device)
    method = restoring(run, device=device, precision=precision)
    images = first_of(images_to_repair(run, part=part, data_root=data_root), limit)
    judgment = judge_repair(images, {REPAIRED: method}, damages=damages or None, recognizer=reader, quiet=quiet)
    figures: Figures = {f"psnr_{name}": (_mean_psnr(judgment, name), None) for name in (REPAIRED, DAMAGED)}
    options = [*_options(recognizer, part, limit), *(word for each in damages for word in ("--corruption", each))]
    keep_figures(open_run(run, RESTORER), judgment.as_json(), figures, part=part, count=judgment.count, options=options)
    return judgment


def evaluate_translator(
    run: Run,
    *,
    recognizer: Run | None = None,
    part: str = "test",
    limit: int = LIMIT,
    device: str = "auto",
    precision: str = "auto",
    data_root: str | os.PathLike[str] | None = None,
) -> TranslationJudgment:
    """Measures a translator's run, as `judge_translation`; parameters, and what is kept, as `evaluate_restorer`."""
    reader = None if recognizer is None else open_recognizer(recognizer, device=device)
    translator = Translator.load(run, device=device, precision=precision)
    a, b, paired = images_to_translate(run, part=part, limit=limit, data_root=data_root)
    judgment = judge_translation(translator, a, b, paired=paired, recognizer=reader)
    keep_figures(
        open_run(run, TRANSLATOR),
        judgment.as_json(),
        _figures_of_ways(judgment),
        part=part,
        count=sum(way.count for way in judgment.ways),
        options=_options(recognizer, part, limit),
    )
    return judgment


def _mean_psnr(judgment: RepairJudgment, name: str) -> float:
    return float(np.mean([one.psnr for row in judgment.rows for one in row.methods if one.method == name]))


def _figures_of_ways(judgment: TranslationJudgment) -> Figures:
    found: dict[str, tuple[float | None, tuple[float, float] | None]] = {}
    for way in judgment.ways:
        name = way.name.replace("-", "_")
        if way.kept is not None:
            found[f"kept_{name}"] = way.kept.kept, way.kept.interval
        if way.near is not None:
            found[f"psnr_{name}"] = way.near.psnr, None
        if way.returned is not None:
            found[f"returned_{name}"] = way.returned, None
    return found


def _options(recognizer: Run | None, part: str, limit: int) -> list[str]:
    asked = {
        "--recognizer": None if recognizer is None else place_of(recognizer),
        "--against": None if part == "test" else part,
        "--limit": None if limit == LIMIT else str(limit),
    }
    return [word for name, value in asked.items() if value is not None for word in (name, value)]
