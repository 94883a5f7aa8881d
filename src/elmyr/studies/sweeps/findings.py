"""What a sweep has found: each variant's figure, which is best, how sure that is, and what to do next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from elmyr.core import machine
from elmyr.core.files import read_json
from elmyr.core.plugins import with_plugins
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.evaluation import Comparison, compare
from elmyr.metrics import mean_interval
from elmyr.studies.sweeps.config import AGAINST, SweepConfig
from elmyr.studies.sweeps.pieces import FIGURE, require_budget, results_of, run_of, times_of
from elmyr.studies.sweeps.values import written
from elmyr.studies.work.begun import processes_in_words

FILE = "sweep.json"
WORSE, OPEN = "worse", "no significant effect"
LONGER = 4  # times the images seen, of the training that is named as the next
# What is said of the variants; reports have it in other languages, too.
BEST = "{name} has the lowest FID on the validation images (seeds: {seeds})."
OTHERS = "Of the others, worse: {worse}; no significant effect: {open}."
DIVERGED = "Settings with a training that diverged: {count}."
NOT_FINITE = "Settings with a figure that is not finite: {count}."
NONE = "No setting has a figure of all its trainings."
TEST, MORE = "judge it on the test images, which chose nothing", "train it for longer"
SENTENCES = (BEST, OTHERS, DIVERGED, NOT_FINITE, NONE, TEST, MORE)

Line = Mapping[str, Any]


def found_in(folder: Path, config: SweepConfig, *, quiet: bool = True) -> dict[str, Any]:
    """The record of a sweep of which every piece is done, as JSON values; the first seed's runs are compared for it."""
    results, times = results_of(folder).found(), times_of(folder).found()
    rows = [_row(folder, config, number, results) for number in range(len(config.variants))]
    whole = [row for row in rows if row["value"] is not None]
    best = min(whole, key=lambda row: float(row["value"]), default=None)
    comparison = None
    if best is not None and len(whole) > 1:
        comparison = _compared(folder, config, best, [row for row in whole if row is not best], quiet=quiet)
        _tell_outcomes(best, whole, results, config.seeds, comparison)
    lines = [line for line in results.values() if "title" in line]
    told = told_of(best, rows, len(config.seeds))
    return {
        "data": config.data.model_dump(mode="json", include={"name", "source", "images"}),
        "preset": config.preset,
        "fixed": config.fixed,
        "several": config.several,
        "images": config.images,
        "seeds": list(config.seeds),
        "figure": lines[0]["title"] if lines else None,
        "count": lines[0]["count"] if lines else None,
        "baseline": lines[0]["baseline"] if lines else None,
        "variants": rows,
        "best": None if best is None else best["number"],
        "told": told,
        "sentence": " ".join(each["text"].format(**each["values"]) for each in told),
        "next": [] if best is None else _next(folder, config, best),
        "comparison": None if comparison is None else comparison.as_json(),
        "seconds": round(sum(float(line["seconds"]) for line in times.values()), 1),
        "command": command_of(config),
        "machine": read_json(folder / "environment.json"),
    }


def _row(folder: Path, config: SweepConfig, variant: int, results: Mapping[tuple[Any, ...], Line]) -> dict[str, Any]:
    """A variant: its figure as the mean over seeds with its interval, over the images where there is one seed."""
    lines = [results[variant + 1, seed] for seed in config.seeds]
    values = [line.get("value") for line in lines]
    value = low = high = sd = None
    if all(each is not None for each in values):
        value, sd, low, high = mean_interval(values)
        if len(values) == 1:
            low, high = lines[0]["low"], lines[0]["high"]
    runs = [run_of(folder, variant, seed) for seed in config.seeds]
    spent = [float(read_json(run.summary)["seconds"]) for run in runs if run.finished]
    return {
        "number": variant + 1,
        "name": config.name(variant),
        "settings": config.variants[variant],
        "runs": [run.path.relative_to(folder).as_posix() for run in runs],
        "values": values,
        "value": value,
        "sd": sd,
        "low": low,
        "high": high,
        "diverged": {str(line["seed"]): line["diverged"] for line in lines if "diverged" in line},
        "outcome": None,
        "seconds": round(sum(spent) / len(spent), 1) if spent else None,
    }


def _compared(folder: Path, config: SweepConfig, best: Line, others: Sequence[Line], *, quiet: bool) -> Comparison:
    """The runs of the first seed, figure by figure, the best first; named by their settings."""
    rows = [best, *others]
    runs = [folder / row["runs"][0] for row in rows]
    for run in runs:
        require_budget(RunDirectory(run), config)
    with machine.threads(config.threads):
        comparison = compare(
            runs,
            against=AGAINST,
            data_root=config.data.root,
            extractor=config.extractor,
            device=config.device,
            precision=config.precision,
            quiet=quiet,
        )
    names = tuple(str(row["name"]) for row in rows)
    told = [
        replace(
            figure,
            sides=tuple(replace(side, subject=name) for side, name in zip(figure.sides, names, strict=True)),
        )
        for figure in comparison.rows
    ]
    return replace(comparison, subjects=names, rows=tuple(told))


def _tell_outcomes(
    best: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    results: Mapping[tuple[Any, ...], Line],
    seeds: Sequence[int],
    comparison: Comparison,
) -> None:
    """Whether each variant is worse than the best, by the interval of the difference: over seeds, or of the images."""
    sides = {side.subject: side.outcome for side in comparison[FIGURE].sides} if FIGURE in comparison else {}
    for row in rows:
        if row is best:
            continue
        if len(seeds) > 1:
            apart = [
                float(results[row["number"], seed]["value"]) - float(results[best["number"], seed]["value"])
                for seed in seeds
            ]
            low = mean_interval(apart).low
            row["outcome"] = WORSE if low is not None and low > 0 else OPEN
        else:
            row["outcome"] = WORSE if sides.get(row["name"]) == WORSE else OPEN


def told_of(best: Line | None, rows: Sequence[Line], seeds: int) -> list[dict[str, Any]]:
    """Which variant is best, and how sure that is: sentences of the table, and what stands in their places."""
    diverged = sum(bool(row["diverged"]) for row in rows)
    odd = sum(row["value"] is None and not row["diverged"] for row in rows)
    lost = [
        {"text": text, "values": {"count": count}} for text, count in ((DIVERGED, diverged), (NOT_FINITE, odd)) if count
    ]
    if best is None:
        return [{"text": NONE, "values": {}}, *lost]
    told = [{"text": BEST, "values": {"name": best["name"], "seeds": seeds}}]
    worse, as_good = (sum(row["outcome"] == outcome for row in rows) for outcome in (WORSE, OPEN))
    if worse + as_good:
        told.append({"text": OTHERS, "values": {"worse": worse, "open": as_good}})
    return told + lost


def _next(folder: Path, config: SweepConfig, best: Line) -> list[dict[str, str]]:
    """What to do with the best: judge it where nothing was chosen, train it for longer."""
    settings = [
        word for name, value in _settings(config, best).items() for word in ("--set", f"{name}={written(value)}")
    ]
    train = ["elmyr", "train", config.data.source, *_of_data(config), "--preset", config.preset, *settings]
    steps = (
        (TEST, ["elmyr", "evaluate", str(folder / best["runs"][0])]),
        (MORE, [*train, "--images", str(LONGER * config.images), "--seed", str(config.seeds[0])]),
    )
    return [{"what": what, "command": with_plugins(shlex.join(words))} for what, words in steps]


def _settings(config: SweepConfig, best: Line) -> dict[str, Any]:
    return config.fixed | dict(best["settings"])


def _of_data(config: SweepConfig) -> list[str]:
    """The options that bring the same images in the same form."""
    data = config.data
    named_set = data.root is not None and not os.path.isabs(data.source)
    return [*data.shaping.as_words(), *(["--data-root", str(data.root)] if named_set else [])]


def command_of(config: SweepConfig) -> str:
    """The command that does the same again, with nothing left to defaults."""
    settings = [f"{name}={written(value)}" for name, value in config.fixed.items()]
    settings += [f"{name}={','.join(map(written, values))}" for name, values in config.several.items()]
    words = ["elmyr", "sweep", config.data.source, *_of_data(config), "--preset", config.preset]
    words += [word for setting in settings for word in ("--set", setting)]
    words += ["--seeds", str(len(config.seeds)), "--seed", str(config.seeds[0]), "--images", str(config.images)]
    words += ["--extractor", config.extractor, "--device", config.device, "--precision", config.precision]
    return with_plugins(shlex.join([*words, *processes_in_words(config.processes, config.threads)]))
