"""What a run keeps of the figures of a restorer or a translator: `evaluation.json`, which pages and lists show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elmyr.core.files import write_json
from elmyr.core.notes import told_if_not_written
from elmyr.engine.saving.run_directory import RunDirectory

# The figures that stand in lists of runs, by what people read; the higher, the better.
TITLES = {
    "psnr_repaired": "PSNR of repaired images, dB",
    "psnr_damaged": "PSNR of damaged images, dB",
    "kept_a_to_b": "prediction unchanged, A to B",
    "kept_b_to_a": "prediction unchanged, B to A",
    "psnr_a_to_b": "PSNR against the paired image, A to B, dB",
    "psnr_b_to_a": "PSNR against the paired image, B to A, dB",
    "returned_a_to_b": "PSNR after translating there and back, from A, dB",
    "returned_b_to_a": "PSNR after translating there and back, from B, dB",
}

Figures = Mapping[str, tuple[float | None, tuple[float, float] | None]]  # value and interval by name


def keep_figures(
    run: RunDirectory, content: Mapping[str, Any], figures: Figures, *, part: str, count: int, options: Sequence[str]
) -> None:
    """Writes what was measured on a part of a run's images, whole or not at all.

    content: all of it, as JSON values. options: words of the command that measures the same again. Figures of the test
    part are the run's usual ones, those of another stand beside them. Where there is no way to write, that is told.
    """
    path = run.evaluation if part == "test" else run.evaluation.with_stem(f"evaluation-{part}")
    told = [_figure(name, *figure) for name, figure in figures.items()]
    whole = {**content, "part": part, "against": part, "count": count, "options": list(options), "figures": told}
    with told_if_not_written(run.path):
        write_json(path, whole)


def _figure(name: str, value: float | None, interval: tuple[float, float] | None) -> dict[str, Any]:
    low, high = interval or (None, None)
    shown = value if value is not None and np.isfinite(value) else None
    return {"name": name, "title": TITLES[name], "better": "higher", "value": shown, "low": low, "high": high}
