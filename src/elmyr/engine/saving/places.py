"""Where a run lies: told by its path, by "latest", or by an object that knows its path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from elmyr.core.errors import InputError
from elmyr.core.files import likely_meant, read_json
from elmyr.core.plugins import require_parts
from elmyr.engine.saving.migration import FORMAT, in_todays_shape

RUNS = Path("runs")
CONFIG, ENVIRONMENT, SUMMARY, MODEL = "config.json", "environment.json", "summary.json", "model"
STUDY_SUMMARY = "study.json"
DIRECTIONS = "directions.safetensors"  # of a GAN, beside its model
BEST = "best"  # of a study: the recognizer that it hands over
LATEST = "latest"
GAN_KIND: Literal["gan"] = "gan"
STUDY_KIND = "study"
ARTICLES_KIND: Literal["articles"] = "articles"
SWEEP_KIND: Literal["sweep"] = "sweep"
CALLED = {GAN_KIND: "GAN", ARTICLES_KIND: "comparison of the articles"}  # what people call a kind, where not so
OPENERS = {
    GAN_KIND: "elmyr.GAN.load",
    "recognizer": "elmyr.Recognizer.load",
    "restorer": "elmyr.Restorer.load",
    "translator": "elmyr.Translator.load",
}

Run = Any  # a path, "latest", or an object with a `path`: what train returns, a study, a model that was loaded


def place_of(run: Run) -> str:
    """The path of a run, or "latest", as a text; InputError for what is neither and has no path."""
    given = run if isinstance(run, str | os.PathLike) else getattr(run, "path", None)
    if given is None and hasattr(run, "path"):
        raise InputError(f"this {type(run).__name__} has no run directory: save it, and name the folder")
    if not isinstance(given, str | os.PathLike):
        raise InputError(f"a run is meant, not {type(run).__name__}: give its path, 'latest', or what train returned")
    return os.fsdecode(given)


def run_path(run: Run, kind: str | None = None) -> Path:
    """The directory of a run, of a `kind` where given; "latest" is the one under `runs/` that was begun last.

    Raises InputError where there is none.
    """
    name = place_of(run)
    path = _latest(kind) if name == LATEST and not os.path.exists(name) else Path(name)
    if not os.path.exists(path):
        raise InputError(f"there is no run directory '{path}': {told_of_runs(path)}")
    if not (path / CONFIG).is_file():
        raise InputError(f"'{path}' is not a run directory (no config.json in it)")
    if kind is not None and (found := kind_of(path)) != kind.lower():
        raise InputError(_other_kind(path, found, kind))
    return path


def told_of_runs(path: str | os.PathLike[str]) -> str:
    """The end of a message about a run that is not there: the one that is likely meant, or where there are some."""
    near = likely_meant(Path(path)) or likely_meant(RUNS / Path(path).name)
    if near is not None:
        return f"did you mean '{near}'?"
    if any(RUNS.glob(f"*/{CONFIG}")):
        return f"give one under '{RUNS}', or {LATEST}"
    return "train one with 'elmyr train DATA'"


def kind_of(path: Path) -> str:
    """What was trained in a run directory: a "gan", or what its config names."""
    return kind_in(read_config(path))


def kind_in(config: Mapping[str, Any]) -> str:
    """What a run was trained to be, by its config."""
    return str(config.get("kind", GAN_KIND)).lower()


def budget_of(config: Mapping[str, Any]) -> int | None:
    """The budget of a run in images seen, by its config in today's shape; None where it has none."""
    loop = config.get("loop")
    images = loop.get("images") if isinstance(loop, Mapping) else None
    return images if isinstance(images, int) else None


def with_article(kind: str) -> str:
    """A kind with its article: "a GAN", "an adaptation"."""
    name = called(kind)
    return f"{'an' if name[:1] in 'aeio' else 'a'} {name}"


def called(kind: str) -> str:
    """What people call a kind."""
    return CALLED.get(kind, kind)


def read_config(path: Path) -> dict[str, Any]:
    """The `config.json` of a run directory, in today's shape; InputError where it is not whole, or of a later elmyr."""
    content = read_json(path / CONFIG)
    if not isinstance(content, dict):
        raise InputError(f"'{path / CONFIG}' holds no JSON object: restore it, or train again")
    config = in_todays_shape(content)
    written = config.get("format")
    if isinstance(written, int) and written > FORMAT:
        raise InputError(f"'{path / CONFIG}' is of a later elmyr (format {written}, not {FORMAT}): update elmyr")
    return config


def finished_model(run: Run, kind: str) -> Path:
    """The model's folder of a finished run, as `run_path` finds it; or the folder itself where a model was saved there.

    InputError where it is neither.
    """
    description = f"{kind}.json"
    place = Path(place_of(run))
    if (place / description).is_file():
        require_plugins(place.parent, of_model=True)
        return place
    if (place / MODEL / description).is_file() and not (place / CONFIG).exists():
        return place / MODEL
    if kind == "recognizer" and is_study(place):
        return best_of_study(place)
    path = run_path(run, kind)
    if not (path / SUMMARY).is_file():
        before = f" (as it was before: '{path / MODEL}')" if (path / MODEL / description).is_file() else ""
        raise InputError(f"'{path}' is not finished: elmyr resume {path}{before}")
    require_plugins(path, of_model=True)
    return path / MODEL


def is_study(path: Path) -> bool:
    """Whether a directory is a study's."""
    return (path / CONFIG).is_file() and kind_of(path) == STUDY_KIND


def best_of_study(path: Path) -> Path:
    """The folder of the best recognizer of a study; InputError where it is not finished, or an older elmyr made it."""
    if not (path / BEST / "recognizer.json").is_file():
        raise InputError(f"the study '{path}' has no best recognizer yet: make it with elmyr resume {path}")
    require_plugins(path, of_model=True)
    return path / BEST


def require_plugins(path: Path, *, of_model: bool = False) -> None:
    """InputError where what a run, or only its model, was made with is a part of a plug-in that is not loaded."""
    surroundings = path / ENVIRONMENT
    if surroundings.is_file() and (path / CONFIG).is_file():
        require_parts(path, read_json(surroundings), read_config(path), of_model=of_model)


def home_of(folder: Path) -> Path:
    """The run whose model lies in a folder; the folder itself where it is of none."""
    return folder.parent if (folder.parent / CONFIG).is_file() else folder


def range_of(run: Run, kind: str, images: str = "data") -> tuple[float, float] | None:
    """The values that are black and white in the images of a run, where its config tells of them by this name.

    None where every type of values has its own, and for a model without a run.
    """
    try:
        config = read_config(run_path(run, kind))
    except InputError:
        return None
    found = config[images]["shaping"].get("range")
    return None if found is None else (float(found[0]), float(found[1]))


def _latest(kind: str | None) -> Path:
    begun = {
        config.parent: config.stat().st_mtime_ns
        for config in RUNS.glob(f"*/{CONFIG}")
        if kind is None or _is_of_kind(config.parent, kind)
    }
    if not begun:
        trained = f"elmyr {kind} train DATA" if kind not in (None, GAN_KIND) else "elmyr train DATA"
        what = "run" if kind is None else f"run of {with_article(kind)}"
        raise InputError(f"there is no {what} under 'runs': train one with '{trained}'")
    return max(begun, key=lambda run: (begun[run], run))


def _is_of_kind(path: Path, kind: str) -> bool:
    try:
        return kind_of(path) == kind
    except InputError:
        return False  # a damaged run is not the one that is meant


def _other_kind(path: Path, found: str, wanted: str) -> str:
    told = f"'{path}' is the run of {with_article(found)}, not of {with_article(wanted)}"
    if found == STUDY_KIND and wanted == GAN_KIND:
        own = sorted(config.parent for config in path.glob(f"runs/*/{CONFIG}"))
        return f"{told}: name one of its own runs" + (f", such as '{own[0]}'" if own else "")
    if found == STUDY_KIND and wanted == "recognizer":
        return f"{told}: its best one is in '{path / BEST}', which predict, serve and evaluate --data open"
    return f"{told}: name another" + (f", or open it with {OPENERS[found]}" if found in OPENERS else "")
