"""The pieces of work of a study: a GAN, an arm, or the figures of a GAN, each of one cell and seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from elmyr.core.errors import InputError
from elmyr.core.files import read_json
from elmyr.core.thread_counts import cores
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.engine.spec import Asked
from elmyr.evaluation import evaluate
from elmyr.studies.arms import ARMS, ArmResult, train_arm
from elmyr.studies.best.keeping import keep
from elmyr.studies.borrowed.variators import seconds_of_variator
from elmyr.studies.cell_data import CellData, opened
from elmyr.studies.config import StudyConfig
from elmyr.studies.work.clock import counted
from elmyr.studies.work.gan_runs import train_or_resume
from elmyr.studies.work.ledger import Place, Result
from elmyr.tasks.gan.plan import GANAsk

Say = Callable[[str], None]
GAN, FIGURES = "GAN", "figures"  # of what is no arm


@dataclass(frozen=True)
class Piece:
    """A piece of work: an arm by its name, or GAN, or FIGURES. `cell` is the number of it."""

    cell: int
    seed: int
    what: str

    def place(self, config: StudyConfig) -> Place:
        """Where in the study its result stands."""
        return config.cells[self.cell].name, self.seed, self.what

    def told(self, config: StudyConfig) -> str:
        """Its seed, and its cell where there are several."""
        cell, seed, _ = self.place(config)
        return f"{cell}, seed {seed}" if len(config.cells) > 1 else f"seed {seed}"

    def needs(self) -> tuple[Piece, ...]:
        """What has to be done before it."""
        needs_gan = self.what == FIGURES or (self.what != GAN and ARMS[self.what].needs_run)
        return (Piece(self.cell, self.seed, GAN),) if needs_gan else ()


@dataclass(frozen=True)
class Done:
    """A piece that is done: how long it took, and an arm's result."""

    seconds: float
    result: Result | None = None


def pieces_of(config: StudyConfig) -> list[Piece]:
    """All pieces of a study, seed by seed, so that an early end has whole seeds; arms that need no GAN come first."""
    pieces = []
    for seed in config.seeds:
        for number, cell in enumerate(config.cells):
            arms = [Piece(number, seed, name) for name in cell.arms]
            pieces += [arm for arm in arms if not arm.needs()]
            pieces.append(Piece(number, seed, GAN))
            pieces += [arm for arm in arms if arm.needs()]
            if seed == config.seeds[0] and cell.figures:
                pieces.append(Piece(number, seed, FIGURES))
    return pieces


def told_of(pieces: Sequence[Piece]) -> str:
    """ "21 pieces of work (2 GANs, 18 recognizers, figures)" """
    gans, figures = (sum(piece.what == what for piece in pieces) for what in (GAN, FIGURES))
    kinds = [f"{gans:,} GAN{'s' if gans > 1 else ''}", f"{len(pieces) - gans - figures:,} recognizers"]
    return f"{counted(len(pieces))} of work ({', '.join([*kinds, *(['figures of a GAN'] if figures else [])])})"


class Worker:
    """Does pieces of work of the study in a directory, one after the other; what one opened serves the next."""

    def __init__(self, study: Path) -> None:
        self.study = study
        self.config = config_as(RunDirectory(study), StudyConfig)
        self.source = opened(self.config)
        self._ground: CellData | None = None

    def ground(self, piece: Piece) -> CellData:
        """What the piece works on."""
        cell = self.config.cells[piece.cell]
        if self._ground is None or (self._ground.cell, self._ground.seed) != (cell, piece.seed):
            self._ground = CellData(self.study, self.config, cell, piece.seed, self.source)
        return self._ground

    def is_done(self, piece: Piece) -> bool:
        """Whether a GAN or its figures are there already; of arms the ledger knows."""
        ground = self.ground(piece)
        return ground.run.finished if piece.what == GAN else ground.run.evaluation.is_file()

    def perform(self, piece: Piece, *, quiet: bool = True, say: Say = lambda line: None) -> Done:
        """Does a piece; a GAN that was begun goes on from its last checkpoint."""
        started, ground = time.monotonic(), self.ground(piece)
        if piece.what == GAN:
            _train_gan(ground, quiet, say)
            return Done(float(read_json(ground.run.summary)["seconds"]))  # also of what came before an interruption
        if piece.what == FIGURES:
            try:
                device, precision = ground.device, ground.precision
                evaluate(ground.run, data_root=self.config.root, device=device, precision=precision, quiet=quiet)
            except InputError as error:  # a cell may have too few images for figures: it has its verdict all the same
                say(f"no figures of the GAN: {error}")
            return Done(time.monotonic() - started)
        arm = ARMS[piece.what]
        lent = seconds_of_variator(ground) if arm.varies else 0.0  # which counts for each arm that varies by it
        started = time.monotonic()
        learned = train_arm(arm, ground, updates=self.config.updates, quiet=quiet)
        keep(learned.recognizer, piece.place(self.config), ground)
        return Done(time.monotonic() - started + lent, _result(ground, learned, piece.what))


def _train_gan(ground: CellData, quiet: bool, say: Say) -> None:
    config = ground.config
    asked = Asked(
        images=config.images,
        seed=ground.seed,
        settings=config.settings,
        device=config.device,
        precision=config.precision,
        data_root=config.root,
        shaping=ground.cell.shaping,
        threads=min(config.threads, cores()),
    )
    train_or_resume(ground.run, GANAsk(config.source, preset=config.preset, asked=asked), quiet=quiet, say=say)


def _result(ground: CellData, learned: ArmResult, arm: str) -> Result:
    return Result(
        cell=ground.cell.name,
        seed=ground.seed,
        arm=arm,
        share=learned.share,
        validation_by_share=learned.validation_by_share,
        validation=learned.validation,
        test=learned.test,
        read=learned.read,
    )
