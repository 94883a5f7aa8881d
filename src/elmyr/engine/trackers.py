"""A run's figures and previews told to a viewer as well: TensorBoard, trackio.

`metrics.jsonl` stays the truth. Whenever a training begins, resumes or goes back, a tracker forgets the run and is told
all of it anew: nobody sees what was written past a checkpoint, and a viewer may be asked for at any time.
"""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, redirect_stdout, suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from PIL import Image

from elmyr.core.errors import InputError, suggestion
from elmyr.core.files import read_lines
from elmyr.engine.saving.run_directory import RunDirectory, position_of

PROJECT = "elmyr"  # what trackio gathers the runs under


class Tracker(AbstractContextManager["Tracker"]):
    """Tells one viewer of one run. Steps are images seen."""

    library: ClassVar[str]
    viewer: str  # the command that opens it

    @abstractmethod
    def __init__(self, run: RunDirectory) -> None: ...

    @abstractmethod
    def begin(self) -> None:
        """Forgets what it was told of the run."""

    @abstractmethod
    def write(self, position: int, figures: Mapping[str, float]) -> None:
        """Tells figures at a position."""

    @abstractmethod
    def show(self, position: int, preview: Path) -> None:
        """Shows a PNG file as it was at a position."""

    @abstractmethod
    def close(self) -> None:
        """Brings to the disk what it was told; once more does no harm."""

    def retell(self, run: RunDirectory, position: int) -> None:
        """Begins, and tells what the run wrote up to a position."""
        self.begin()
        for line in read_lines(run.metrics) if run.metrics.exists() else ():
            self.tell(line)
        for preview in sorted(run.previews.glob("images-*.png")):
            if position_of(preview) <= position:
                self.show(position_of(preview), preview)

    def tell(self, line: Mapping[str, Any]) -> None:
        """Tells the numbers in a line of `metrics.jsonl`: what a viewer can draw."""
        numbers = {name: value for name, value in line.items() if isinstance(value, int | float)}
        self.write(int(numbers.pop("images")), numbers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk was told when it was written to
            self.close()


class TensorBoard(Tracker):
    """Event files in the run's folder `tensorboard`; every begin makes a new one."""

    library = "tensorboard"

    def __init__(self, run: RunDirectory) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.viewer, self._folder = f"tensorboard --logdir {run.path.parent}", run.path / "tensorboard"
        self._writer = SummaryWriter
        self._file: SummaryWriter | None = None

    def begin(self) -> None:
        """Removes the event files; a viewer that has read them drops what was in them at the new one's first step."""
        self.close()
        for old in self._folder.glob("events.out.tfevents.*"):
            old.unlink()
        self._file = self._writer(str(self._folder), purge_step=0)

    def write(self, position: int, figures: Mapping[str, float]) -> None:
        """A scalar each."""
        if self._file is not None:
            for name, value in figures.items():
                self._file.add_scalar(name, value, position)
            self._file.flush()

    def show(self, position: int, preview: Path) -> None:
        """Under the tag `previews`."""
        if self._file is not None:
            with Image.open(preview) as image:
                self._file.add_image("previews", np.asarray(image.convert("RGB")), position, dataformats="HWC")

    def close(self) -> None:
        """Ends the event file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


class Trackio(Tracker):
    """A run in trackio's local store (`TRACKIO_DIR`), known again by its directory; trackio's prints are hushed."""

    library = "trackio"
    viewer = f"trackio show --project {PROJECT}"

    def __init__(self, run: RunDirectory) -> None:
        self._name, self._directory = run.path.name, str(run.path.resolve())
        self._run: Any = None

    def begin(self) -> None:
        """Removes the run of this directory from the store."""
        import trackio

        self.close()
        with redirect_stdout(io.StringIO()):
            with suppress(ValueError):  # there is no project yet
                for run in trackio.Api().runs(PROJECT):
                    if (run.config or {}).get("directory") == self._directory:
                        run.delete()
            config = {"directory": self._directory}
            self._run = trackio.init(
                PROJECT, self._name, config=config, embed=False, auto_log_cpu=False, auto_log_gpu=False
            )

    def write(self, position: int, figures: Mapping[str, float]) -> None:
        """All in one step."""
        self._run.log(dict(figures), step=position)

    def show(self, position: int, preview: Path) -> None:
        """Under the name `previews`."""
        import trackio

        self._run.log({"previews": trackio.Image(preview)}, step=position)

    def close(self) -> None:
        """Waits for the store."""
        if self._run is not None:
            import trackio

            with redirect_stdout(io.StringIO()):
                trackio.finish()  # not the run's own: trackio would finish it once more at the process's end
            self._run = None


TRACKERS: dict[str, type[Tracker]] = {"tensorboard": TensorBoard, "trackio": Trackio}


def require_tracker(name: str | None) -> None:
    """InputError where no tracker has this name, or its library is missing; None asks for none."""
    if name is None:
        return
    if name not in TRACKERS:
        raise InputError(f"no tracker '{name}': {suggestion(name, TRACKERS)}")
    if find_spec(TRACKERS[name].library) is None:
        raise InputError(f"--track {name} needs {TRACKERS[name].library}: pip install 'elmyr[track]'")


def open_tracker(name: str | None, run: RunDirectory) -> AbstractContextManager[Tracker | None]:
    """The tracker of this name for a run, closed at the end; None gives none."""
    return nullcontext() if name is None else TRACKERS[name](run)
