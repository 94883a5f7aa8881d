"""The pieces of work of a sweep: each training, its judgment, and the feature extractor that those of a seed share."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmyr.core.errors import DivergedError, InputError
from elmyr.core.files import make_folder, read_json, write_json
from elmyr.core.thread_counts import cores
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.engine.spec import Say, hush
from elmyr.evaluation import evaluate
from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.studies.sweeps.config import AGAINST, SweepConfig
from elmyr.studies.work.gan_runs import train_or_resume
from elmyr.studies.work.ledger import Lines
from elmyr.tasks.gan.plan import config_of

TRAINING, EXTRACTOR, JUDGMENT = "training", "feature extractor", "judgment"
FIGURE = "frechet_distance"  # what is compared


@dataclass(frozen=True)
class Piece:
    """A piece of work of a seed; `variant` is the number of it, from 0 on, -1 for what all variants share."""

    what: str
    seed: int
    variant: int = -1

    def needs(self) -> tuple[Piece, ...]:
        """What has to be done before it."""
        if self.what != JUDGMENT:
            return ()
        return Piece(EXTRACTOR, self.seed), Piece(TRAINING, self.seed, self.variant)

    @property
    def place(self) -> tuple[int, int]:
        """Where its line stands among the results: the number of the variant, from 1 on, and the seed."""
        return self.variant + 1, self.seed


@dataclass(frozen=True)
class Done:
    """A piece that is done: how long it took, and a judgment's line among the results."""

    seconds: float
    line: dict[str, Any] | None = None


def pieces_of(config: SweepConfig) -> list[Piece]:
    """All pieces, seed by seed, so that an early end has whole seeds."""
    pieces, variants = [], range(len(config.variants))
    for seed in config.seeds:
        pieces += [Piece(TRAINING, seed, variant) for variant in variants]
        pieces.append(Piece(EXTRACTOR, seed))
        pieces += [Piece(JUDGMENT, seed, variant) for variant in variants]
    return pieces


def results_of(folder: Path) -> Lines:
    """What was found: a line a variant and seed."""
    return Lines(folder / "results.jsonl", ("variant", "seed"))


def times_of(folder: Path) -> Lines:
    """How long each piece took, which another run of the same sweep would not repeat."""
    return Lines(folder / "times.jsonl", ("variant", "seed", "what"))


def run_of(folder: Path, variant: int, seed: int) -> RunDirectory:
    """The run directory of a training."""
    return RunDirectory(folder / "runs" / f"{variant + 1}-seed-{seed}")


def require_budget(run: RunDirectory, config: SweepConfig) -> None:
    """InputError for a training that a `resume` gave another budget: beside it the others would look worse."""
    if (budget := config_of(run).loop.images) != config.images:
        raise InputError(
            f"the training in '{run.path}' was given {budget:,} images, those of the sweep have {config.images:,}: "
            "delete that directory, and resume the sweep, which trains it again"
        )


class Worker:
    """Does pieces of work of the sweep in a directory, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, config_as(RunDirectory(folder), SweepConfig)

    def is_trained(self, piece: Piece) -> bool:
        """Whether the training of a piece has come to its end, also to a bad one."""
        return run_of(self.folder, piece.variant, piece.seed).finished or self._end(piece).is_file()

    def perform(self, piece: Piece, *, quiet: bool = True, say: Say = hush) -> Done:
        """Does a piece; a training that was begun goes on from its last checkpoint."""
        if piece.what == TRAINING:
            return Done(self._trained(piece, quiet, say))
        started, line = time.monotonic(), None
        if piece.what == JUDGMENT:
            line = self._judged(piece, quiet)
        else:
            self._make_extractor(piece)
        return Done(time.monotonic() - started, line)

    def _trained(self, piece: Piece, quiet: bool, say: Say) -> float:
        """Trains, and gives the seconds that it took; one that diverges has ended, and the others go on."""
        started, run = time.monotonic(), run_of(self.folder, piece.variant, piece.seed)
        ask = self.config.ask(piece.variant, piece.seed, min(self.config.threads, cores()))
        try:
            train_or_resume(run, ask, quiet=quiet, say=say)
        except DivergedError as error:
            make_folder(self._end(piece).parent)
            write_json(self._end(piece), {"images": error.images, "told": str(error)})
            return time.monotonic() - started
        return float(read_json(run.summary)["seconds"])  # also of what came before an interruption

    def _make_extractor(self, piece: Piece) -> None:
        """What the figures of a seed are taken by; the cache has it then."""
        config = self.config
        data = config.data.model_copy(update={"split_seed": piece.seed})
        asked = Extraction(config.extractor, device=config.device, precision=config.precision)
        extractor_for(data.opened().train, asked)

    def _judged(self, piece: Piece, quiet: bool) -> dict[str, Any]:
        """The line of a training: its figure on the validation part, or where it diverged."""
        number, seed = piece.place
        line = {"variant": number, "seed": seed, "settings": self.config.variants[piece.variant]}
        if self._end(piece).is_file():
            return line | {"diverged": int(read_json(self._end(piece))["images"])}
        config, run = self.config, run_of(self.folder, piece.variant, piece.seed)
        require_budget(run, config)
        evaluation = evaluate(
            run,
            against=AGAINST,
            data_root=config.data.root,
            extractor=config.extractor,
            device=config.device,
            precision=config.precision,
            quiet=quiet,
        )
        figure = evaluation[FIGURE]
        values = {"value": figure.value, "low": figure.low, "high": figure.high, "baseline": figure.yardstick}
        told = {name: value if value is not None and math.isfinite(value) else None for name, value in values.items()}
        return line | told | {"count": evaluation.count, "title": figure.title}

    def _end(self, piece: Piece) -> Path:
        """The file that says how a training ended, where it diverged."""
        return self.folder / "diverged" / f"{piece.variant + 1}-seed-{piece.seed}.json"
