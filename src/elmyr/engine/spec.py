"""The seam between a run's life and the kind of thing that is trained in it: one `TaskSpec` a kind."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from elmyr.core import machine
from elmyr.core.amounts import Amount, image_count, minutes_of
from elmyr.core.errors import InputError, suggestion
from elmyr.core.thread_counts import AUTO, Threads, asked_threads
from elmyr.engine.config import RunConfig, Settings, parse_settings
from elmyr.engine.loop import Outcome
from elmyr.engine.processes import Processes
from elmyr.engine.rules import Resolved
from elmyr.engine.saving.places import GAN_KIND, Run, run_path
from elmyr.engine.saving.run_directory import RunDirectory
from elmyr.engine.task import BatchSource, Task, Watcher
from elmyr.engine.trackers import require_tracker
from elmyr.images import AS_IT_IS, Data, Shaping
from elmyr.nets import Cost

MOST_IMAGES = 10**12  # more than anyone waits for

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What may be asked of every training; nothing of it is needed.

    The budget is `images` seen, exactly (200_000, 2e5 or "200k"), or `minutes` from the call on (90 or "1h30m").
    settings: `{"learning_rate": 1e-3}` or `["learning_rate=1e-3"]` over a kind's own choices. start_from: a run of the
    same kind and networks, whose weights this one begins with. threads: how many compute, or "auto". InputError for
    what is no such value.
    """

    images: Amount | None = None
    minutes: Amount | None = None
    seed: int = 0
    settings: Settings = ()
    device: str = "auto"
    precision: str = "auto"
    data_root: str | os.PathLike[str] | None = None
    shaping: Shaping = AS_IT_IS
    deterministic: bool = False
    start_from: Run | None = None
    threads: Threads = AUTO

    @property
    def budget(self) -> int | None:
        """The images seen; None where nothing is said of them."""
        images = image_count(self.images)
        if images is not None and self.minutes is not None:
            raise InputError("both --images and --minutes are given: choose one")
        if images is not None and images > MOST_IMAGES:
            raise InputError(f"--images is {images:.3g}: it is from 1 to {MOST_IMAGES:,}")
        return images

    @property
    def parsed(self) -> dict[str, Any]:
        """The settings by their names."""
        return parse_settings(self.settings)

    def common(self, kind: str) -> dict[str, Any]:
        """The fields of a `RunConfig` that are the same for every kind, all but the course."""
        machine.refuse_shared_gpu(self.device)
        device, threads = machine.choose_device(self.device), asked_threads(self.threads)
        if self.deterministic and threads not in (None, 1):
            raise InputError(f"--deterministic computes on one thread: leave out --threads {threads}")
        return {
            "seed": self.seed,
            "device": str(device),
            "precision": machine.choose_precision(self.precision, device),
            "minutes": minutes_of(self.minutes),
            "start_from": None if self.start_from is None else os.path.abspath(run_path(self.start_from, kind)),
            "deterministic": self.deterministic,
            "threads": threads,
        }


@dataclass(frozen=True)
class DataAsk:
    """What is asked of a task that needs no more than images."""

    data: Data
    labels: Any = None
    asked: Asked = field(default_factory=Asked)


def hush(line: str) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class RunOptions:
    """How a training goes about it: where it lies, saved or not on a full disk, its progress, and who hears of it.

    InputError where no tracker is called `track`.
    """

    out: str | os.PathLike[str] | None = None
    keep_going: bool = False
    track: str | None = None
    quiet: bool = True
    say: Say = hush

    def __post_init__(self) -> None:
        require_tracker(self.track)


C = TypeVar("C", bound=RunConfig)
A = TypeVar("A")
I = TypeVar("I")  # noqa: E741  # of inputs


@dataclass(frozen=True)
class Plan(Generic[C, I]):
    """What a run is going to do: its config, and what it learns from, opened.

    told: what is to be said at its beginning. resolved: the choices that were automatic.
    """

    config: C
    inputs: I
    told: Sequence[str] = ()
    resolved: Sequence[Resolved] = ()

    def with_budget(self, images: int) -> Self:
        """The same run with another budget, and what follows from it."""
        return replace(self, config=self.config.with_budget(images))


@dataclass(frozen=True)
class Finished:
    """What is to be said of a run at its end, and written into `summary.json` beside images and time.

    how: by or for what it was trained, in a few words.
    """

    summary: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    how: str = ""


class Begun(Protocol):
    """A training at its beginning, for the loop; and its end."""

    @property
    def task(self) -> Task:
        """What is trained."""
        ...

    @property
    def data(self) -> BatchSource:
        """Where its batches come from."""
        ...

    @property
    def watcher(self) -> Watcher | None:
        """What looks at it on the way."""
        ...

    def finish(self, run: RunDirectory, outcome: Outcome) -> Finished:
        """Writes the model, and what else the run keeps. Called by the process that writes."""
        ...


class TaskSpec(ABC, Generic[A, C, I]):
    """What the life of a run knows of a kind. A: what may be asked; C: its config; I: what it learns from, opened."""

    kind: ClassVar[str]
    title: ClassVar[str]  # what people call what is trained
    config: type[C]
    sources = 1  # the image sets that it learns from
    draws = True  # whether its task draws previews
    starts_with: tuple[str, ...] | None = None  # the modules that --from takes; all where None
    adapts: tuple[str, ...] = ()  # what of `networks` may be other in a run that --from takes: what fits is taken then

    @abstractmethod
    def plan(self, ask: A) -> Plan[C, I]:
        """Every choice made and checked, and the images opened; InputError for what cannot be trained."""

    @abstractmethod
    def reopen(self, config: C, data_root: str | os.PathLike[str] | None = None) -> I:
        """What a run learns from, opened again; InputError where it is not the same any more."""

    def open(self, run: Run, *, device: str = "auto", precision: str = "auto") -> Any:
        """The model of a finished run, for `elmyr.open_model`; InputError where a kind has none to open."""
        raise InputError(f"a {self.title} cannot be opened: its spec has no method open")

    @abstractmethod
    def begin(self, config: C, inputs: I, processes: Processes, say: Say) -> Begun:
        """The training at its beginning, or as the loop will continue it."""

    def name(self, config: C) -> str:
        """What its directory is named after: the data and the kind."""
        return "-".join([*(source.name for source in config.sources.values()), self.kind])

    def introduce(self, run: RunDirectory, inputs: I) -> None:
        """Writes what a run keeps of its images."""

    def following(self, run: RunDirectory) -> Sequence[str]:
        """The commands that a person may want next."""
        return ()

    def networks(self, config: C) -> Mapping[str, Any]:
        """What of the config makes the networks: the same in a run that this one may start from."""
        return {}

    def costs(self, config: C) -> Mapping[str, Cost]:
        """What the networks cost, where that is known beforehand."""
        return {}

    def start(self, config: C) -> str:
        """The command, without its options, that trains another such run on the same images."""
        words = [] if self.kind == GAN_KIND else [self.kind]
        return " ".join(["elmyr", *words, "train", *(source.source for source in config.sources.values())])

    def shared(self, config: C) -> Mapping[str, int]:
        """What processes share of an update, by the settings' names: each a multiple of their number."""
        return {"batch": config.loop.batch}

    @abstractmethod
    def settings(self, config: C) -> Mapping[str, Any]:
        """The settings that a run has, by the names that `--set` knows."""

    def require_settings(self, config: C, names: Sequence[str]) -> None:
        """InputError for a setting that there is not."""
        known = self.settings(config)
        for name in names:
            if name not in known:
                raise InputError(f"a {self.title} has no setting '{name}': {suggestion(name, known)}")
