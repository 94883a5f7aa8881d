"""The run directory: where everything of one run lies, and how it is named."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from elmyr.errors import InputError
from elmyr.files import make_folder, read_json
from elmyr.training.collapse import Collapse, collapse_in

RUNS = Path("runs")
LOOKED_AT = (0.01, 0.05, 0.1)  # seconds between tries to lock a run
GAN_KIND = "GAN"  # what a run trained that names no other kind

M = TypeVar("M", bound=BaseModel)


class RunDirectory:
    """The paths of a run; `GAN.load(run.path)` opens what it trained."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.environment = self.path / "environment.json"
        self.summary = self.path / "summary.json"
        self.metrics = self.path / "metrics.jsonl"
        self.log = self.path / "log.txt"
        self.checkpoints = self.path / "checkpoints"
        self.previews = self.path / "previews"
        self.model = self.path / "model"
        self.evaluation = self.path / "evaluation.json"
        self.real = self.path / "real.npz"
        self.generated = self.path / "generated.npz"
        self.best = self.path / "best.npz"
        self.worst = self.path / "worst.npz"
        self.pairs = self.path / "pairs.npz"
        self.survey = self.path / "survey.sqlite"

    @property
    def finished(self) -> bool:
        """Whether the training has reached its end."""
        return self.summary.is_file()

    @property
    def collapse(self) -> Collapse | None:
        """What its training ended in, where it collapsed; None for every other run."""
        try:
            summary = read_json(self.summary) if self.finished else None
        except InputError:
            return None
        return collapse_in(summary) if isinstance(summary, dict) else None

    def preview(self, position: int) -> Path:
        """The preview's file at so many images seen."""
        return self.previews / f"images-{position:09d}.png"

    @property
    def kind(self) -> str:
        """What was trained: a "GAN", or what its config names."""
        return str(self.read_config().get("kind", GAN_KIND))

    def read_config(self) -> dict[str, Any]:
        """The run's `config.json`."""
        content = read_json(self.config)
        if not isinstance(content, dict):
            raise InputError(f"'{self.config}' holds no JSON object: restore it, or train again")
        return content

    def noting(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """Says a line, and writes it into `log.txt` with the time, where there is room for it."""

        def note(line: str) -> None:
            say(line)
            with suppress(OSError), self.log.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}\n")

        return note

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Inside, no other process works on this run; InputError if one does. The lock ends with its process."""
        with self.config.open(encoding="utf-8") as file:
            if sys.platform != "win32":  # whose locks would keep others from reading, too
                import fcntl

                for pause in (*LOOKED_AT, None):
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except OSError:
                        if pause is None:
                            raise InputError(
                                f"another process is working on '{self.path}': wait for it, or stop it"
                            ) from None
                        time.sleep(pause)  # it may be no more than looked at
            yield

    @property
    def in_progress(self) -> bool:
        """Whether a process works on it. Takes the lock for a moment, beside others who only look."""
        if sys.platform == "win32":
            return False
        import fcntl

        try:
            with self.config.open(encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def position_of(path: Path) -> int:
    """The images seen that a checkpoint or a preview is named by."""
    return int(path.stem.rpartition("-")[2])


def open_run(name: str | os.PathLike[str], kind: str | None = None) -> RunDirectory:
    """The run directory at a path; `latest` is the one under `runs/` that was begun last. Of a `kind`, where given."""
    path = Path(name)
    if os.fspath(name) == "latest" and not path.exists():
        begun = {
            config.parent: config.stat().st_mtime_ns
            for config in RUNS.glob("*/config.json")
            if kind is None or _is_of_kind(config.parent, kind)
        }
        if not begun:
            trained = f"elmyr {kind} train DATA" if kind not in (None, GAN_KIND) else "elmyr train DATA"
            what = "run" if kind is None else f"run of a {kind}"
            raise InputError(f"there is no {what} under 'runs': train one with '{trained}'")
        path = max(begun, key=lambda run: (begun[run], run))
    run = RunDirectory(path)
    if not path.exists():
        raise InputError(f"there is no run directory '{path}'")
    if not run.config.is_file():
        raise InputError(f"'{path}' is not a run directory (no config.json in it)")
    if kind is not None and run.kind != kind:
        raise InputError(f"'{path}' is the run of a {run.kind}, not of a {kind}: name another")
    return run


def finished_model(name: str | os.PathLike[str], kind: str) -> Path:
    """The model's folder of a finished run (a path, or "latest"), or the folder itself where a model was saved into it.

    InputError where it is neither.
    """
    if os.path.isfile(os.path.join(name, f"{kind}.json")):
        return Path(name)
    run = open_run(name, kind)
    if not run.finished:
        raise InputError(f"'{run.path}' is not finished: elmyr resume {run.path}")
    return run.model


def _is_of_kind(path: Path, kind: str) -> bool:
    try:
        return RunDirectory(path).kind == kind
    except InputError:
        return False  # a damaged run is not the one that is meant


def config_as(run: RunDirectory, model: type[M]) -> M:
    """The config that a run directory holds, as this model has it; InputError if it is not whole."""
    try:
        return model.model_validate(run.read_config())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"'{run.config}' is no config of this elmyr ({where}: {first['msg']}): train again") from None


def new_directory(out: str | os.PathLike[str] | None, *, parent: Path, name: str) -> Path:
    """Makes the directory of a new run or study: `out`, which must be new or empty, or the next number in `parent`."""
    if out is not None:
        refuse_taken(out)
        return make_folder(Path(out))
    make_folder(parent)
    number = max(_numbers(parent), default=-1) + 1
    while True:
        path = parent / f"{number:05d}-{_plain(name)}"
        try:
            path.mkdir()
        except FileExistsError:
            number += 1  # another process took it first
        else:
            return path


def refuse_taken(out: str | os.PathLike[str]) -> None:
    """InputError where something is at `out` already, an empty folder excepted."""
    path = Path(out)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"'{path}' exists already: choose another with --out, or remove it")


def _numbers(parent: Path) -> list[int]:
    matches = (re.match(r"(\d{5,})-", path.name) for path in parent.iterdir() if path.is_dir())
    return [int(match[1]) for match in matches if match]


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "run"
