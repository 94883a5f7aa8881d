"""The runs under a folder as a page shows them: read from their files, whatever state they are in; nothing is opened
that a listing has not found.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from elmyr.core.errors import InputError
from elmyr.core.files import lines_of, read_json
from elmyr.engine.saving.places import budget_of, kind_in
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation.extractors import called
from elmyr.evaluation.figure_specs import titled
from elmyr.report.words import Words
from elmyr.report.writing import report_of
from elmyr.serving.catalog import run_of_model
from elmyr.tasks.gan.collapse import collapse_of

MOST_POINTS = 500
TAIL = 1 << 16  # bytes at the end of a file of figures that tell how far a run is
LARGEST_PREVIEW = 32 << 20
PREVIEW = re.compile(r"images-(\d{1,15})\.png")
FIGURE = ("name", "title", "value", "low", "high", "yardstick", "better")
NOT_DRAWN = ("images", "seconds")


class Runs:
    """Those in a folder, which need not be there; `stopped` are those that are not finished and not being trained."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def found(self) -> dict[str, RunDirectory]:
        """The run directories by their names, the one begun last first."""
        begun: list[tuple[float, str, RunDirectory]] = []
        try:
            paths = list(self.folder.iterdir())
        except OSError:
            return {}  # there is no such folder
        for path in paths:
            run = RunDirectory(path)
            with suppress(OSError):  # not to be looked into, or removed meanwhile
                if run.config.is_file():
                    begun.append((run.config.stat().st_mtime, path.name, run))
        return {name: run for _, name, run in sorted(begun, key=lambda each: each[:2], reverse=True)}

    def listed(self) -> list[dict[str, Any]]:
        """A row for each run that can be read."""
        return [row for name, run in self.found().items() if (row := _row_of(name, run)) is not None]

    def read(self, name: str) -> dict[str, Any] | None:
        """All of one run; None where there is none of this name."""
        run = self.found().get(name)
        row = None if run is None else _row_of(name, run)
        if run is None or row is None:
            return None
        try:
            told = run_of_model(run)
            content = told.metrics.read_bytes() if told.metrics.is_file() else b""
            whole = content[: content.rfind(b"\n") + 1]  # of a run in progress the last line may be half written
            return {
                **row,
                "config": run.read_config(),
                "curves": curves_of(lines_of(whole)),
                "previews": sorted(previews_of(run)),
                "offset": len(whole),
            }
        except OSError:
            return None  # removed meanwhile

    def report(self, name: str, words: Words) -> str | None:
        """A run's page; None where there is none of this name, InputError where a record of it is damaged."""
        run = self.found().get(name)
        try:
            return None if run is None else report_of(run.path, words)
        except OSError:
            return None  # removed meanwhile

    def preview(self, name: str, position: int) -> bytes | None:
        """A preview's PNG; None where there is none."""
        run = self.found().get(name)
        try:
            path = None if run is None else previews_of(run).get(position)
            return None if path is None or path.stat().st_size > LARGEST_PREVIEW else path.read_bytes()
        except OSError:
            return None  # removed meanwhile


def state_of(run: RunDirectory) -> str:
    """ "finished", "collapsed" (finished, with images not fit for use), "training" or "stopped"."""
    if run.in_progress:
        return "training"
    if collapse_of(run):
        return "collapsed"
    return "finished" if run.finished else "stopped"


def previews_of(run: RunDirectory) -> dict[int, Path]:
    """The previews' files by images seen."""
    if not run.previews.is_dir():
        return {}
    named = ((PREVIEW.fullmatch(path.name), path) for path in run.previews.iterdir())
    return {int(match[1]): path for match, path in named if match and path.is_file() and not path.is_symlink()}


def curves_of(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[list[float | None]]]:
    """For each figure its (images, value) pairs, at most 500: means of neighbors; None where not finite."""
    points: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        images = line.get("images")
        if images is None or not _is_number(images):
            continue
        for name, value in line.items():
            if name not in NOT_DRAWN and _is_number(value):
                points.setdefault(name, []).append((float(images), float(value)))
    return {name: [[_finite(x), _finite(y)] for x, y in _thinned(line)] for name, line in points.items()}


def clean(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of figures as JSON can hold it."""
    return {name: _finite(value) if _is_number(value) else value for name, value in line.items()}


def _thinned(line: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    size = -(-len(line) // MOST_POINTS)
    for start in range(0, len(line), size):
        some = line[start : start + size]
        yield sum(x for x, _ in some) / len(some), sum(y for _, y in some) / len(some)


def _row_of(name: str, run: RunDirectory) -> dict[str, Any] | None:
    try:
        config, told, collapse = run.read_config(), run_of_model(run), collapse_of(run)
        return {
            "id": name,
            "name": _data_of(config) or name,
            "kind": kind_in(config),
            "preset": config.get("preset"),
            "state": state_of(run),
            "collapse": None if collapse is None else {"sentence": collapse.sentence, **collapse.message[1]},
            "images": _images_seen(told),
            "budget": budget_of(told.read_config()),
            "begun": run.config.stat().st_mtime,
            **_judged(told),
        }
    except (InputError, OSError):
        return None  # damaged, or removed meanwhile


def _data_of(config: Mapping[str, Any]) -> str:
    """What a run learned from, of a translator both sets; empty where its config does not say."""
    named = [config[side].get("name") for side in ("data", "a", "b") if isinstance(config.get(side), dict)]
    return " → ".join(str(name) for name in named if name)


def _images_seen(run: RunDirectory) -> int:
    if not run.metrics.is_file():
        return 0
    with run.metrics.open("rb") as file:
        file.seek(max(0, run.metrics.stat().st_size - TAIL))
        tail = file.read()
    matches = re.findall(rb'"images": (\d{1,15})\b', tail)
    return int(matches[-1]) if matches else 0


def _judged(run: RunDirectory) -> dict[str, Any]:
    """The figures of the usual evaluation, else of another, and without what they mean nothing."""
    content = read_json(run.evaluations[0]) if run.evaluations else {}
    if not isinstance(content, dict) or not isinstance(content.get("figures"), list):
        return {"figures": [], "judged": None}
    figures = [
        clean({key: titled(figure).get(key) for key in FIGURE})
        for figure in content["figures"]
        if isinstance(figure, dict)
    ]
    extractor = content.get("extractor")
    judged = {
        "extractor": called(extractor) if isinstance(extractor, dict) else None,
        "count": content.get("count"),
        "against": content.get("against"),
    }
    return {"figures": figures, "judged": judged}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
