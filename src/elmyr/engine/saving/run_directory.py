"""The run directory: where everything of one run lies, and how it is named."""

from __future__ import annotations

import html
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

from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.core.files import make_folder
from elmyr.engine.saving.places import (
    CONFIG,
    MODEL,
    SUMMARY,
    Run,
    called,
    kind_of,
    read_config,
    require_plugins,
    run_path,
)

LOOKED_AT = (0.01, 0.05, 0.1)  # seconds between tries to lock a run

M = TypeVar("M", bound=BaseModel)


class RunDirectory:
    """The paths of a run; `GAN.load(run)` opens what it trained."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / CONFIG
        self.environment = self.path / "environment.json"
        self.summary = self.path / SUMMARY
        self.metrics = self.path / "metrics.jsonl"
        self.log = self.path / "log.txt"
        self.threads = self.path / "threads.json"
        self.checkpoints = self.path / "checkpoints"
        self.previews = self.path / "previews"
        self.model = self.path / MODEL
        self.evaluation = self.path / "evaluation.json"
        self.real = self.path / "real.npz"
        self.generated = self.path / "generated.npz"
        self.survey = self.path / "survey.sqlite"

    def __repr__(self) -> str:
        try:
            told = f"{called(self.kind)}, {'finished' if self.finished else 'unfinished'}"
        except InputError:
            told = "no run yet"
        return f"RunDirectory('{self.path}': {told})"

    def _repr_html_(self) -> str:
        """A notebook's view: the last preview, where there is one."""
        from PIL import Image

        from elmyr.images.pictures.showing import picture_html  # in notebooks alone

        pictures = sorted(self.previews.glob("*.png"))
        shown = picture_html(Image.open(pictures[-1])) if pictures else ""
        return f"<div>{html.escape(repr(self))}<br>{shown}</div>"

    @property
    def finished(self) -> bool:
        """Whether the training has reached its end."""
        return self.summary.is_file()

    @property
    def evaluations(self) -> list[Path]:
        """The evaluations that are kept, the usual one first where there is one."""
        return [*self.path.glob("evaluation.json"), *sorted(self.path.glob("evaluation-*.json"))]

    def preview(self, position: int) -> Path:
        """The preview's file at so many images seen."""
        return self.previews / f"images-{position:09d}.png"

    @property
    def kind(self) -> str:
        """What was trained: a "gan", or what its config names."""
        return kind_of(self.path)

    def read_config(self) -> dict[str, Any]:
        """The run's `config.json`."""
        return read_config(self.path)

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


def beside_evaluation(path: Path, name: str) -> Path:
    """What is kept with an evaluation, such as `best-random.npz` with `evaluation-random.json`."""
    return path.with_name(path.stem.replace("evaluation", name, 1) + ".npz")


def position_of(path: Path) -> int:
    """The images seen that a checkpoint or a preview is named by."""
    return int(path.stem.rpartition("-")[2])


@checked
def open_run(run: Run, kind: str | None = None) -> RunDirectory:
    """The run directory at a path, of an object that has one, or the `latest`; of a `kind`, where given."""
    return RunDirectory(run_path(run, kind))


def config_as(run: RunDirectory, model: type[M]) -> M:
    """The config that a run directory holds, as this model has it; InputError if it is not whole."""
    require_plugins(run.path)
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
