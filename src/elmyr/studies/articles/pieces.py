"""The pieces of work of a run of the articles' systems: trainings, judgments, uses, and what they share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elmyr.core.errors import DivergedError
from elmyr.core.files import make_folder, read_json, write_json
from elmyr.core.thread_counts import cores
from elmyr.engine.saving.run_directory import RunDirectory, config_as
from elmyr.engine.spec import Asked, Say, hush
from elmyr.evaluation.extractors import Extraction, extractor_for
from elmyr.images import Splits
from elmyr.studies.articles.config import ArticlesConfig
from elmyr.studies.articles.judging import ended_early, judged
from elmyr.studies.articles.places import RECORDS, run_of
from elmyr.studies.articles.record import Record
from elmyr.studies.articles.systems import SYSTEMS, Side, System
from elmyr.studies.articles.trainings import CURED, WRITTEN, Training
from elmyr.studies.articles.uses import learn_from_real, used
from elmyr.studies.work.gan_runs import train_or_resume
from elmyr.tasks.gan.plan import GANAsk

RECOGNIZERS, TRAINING, JUDGMENT, USES = "recognizers", "training", "judgment", "uses"
DIVERGED = "article {number}, {slug}: diverged"
TOLD = {
    RECOGNIZERS: "the recognizers of the {side} images trained",
    TRAINING: "article {number}, {slug}: trained",
    JUDGMENT: "article {number}, {slug}: judged",
    USES: "article {number}: put to its uses",
}


@dataclass(frozen=True)
class Piece:
    """A piece of work. side: its image set; number: of the article; slug: of the training."""

    what: str
    side: Side
    number: int = -1
    slug: str = ""

    def needs(self) -> tuple[Piece, ...]:
        """What has to be done before it."""
        if self.what in (RECOGNIZERS, TRAINING):
            return ()
        slugs = (self.slug,) if self.what == JUDGMENT else (WRITTEN, CURED)
        trained = [Piece(TRAINING, self.side, self.number, slug) for slug in slugs]
        return Piece(RECOGNIZERS, self.side), *trained

    @property
    def system(self) -> System:
        """The article's."""
        return SYSTEMS[self.number]

    def record(self, folder: Path) -> Path:
        """The file that says what it found; a training has its run directory."""
        name = self.side if self.what == RECOGNIZERS else f"{self.number}-{self.slug or self.what}"
        return folder / RECORDS / f"{name}.json"

    def diverged(self, folder: Path) -> Path:
        """The file that says how its training ended, where that diverged."""
        return folder / RECORDS / f"{self.number}-{self.slug}-diverged.json"


def pieces_of(config: ArticlesConfig) -> list[Piece]:
    """All pieces: what is shared, then article by article; the remedies last, so that an early end has the rest.

    The images in color come first: theirs are the longest pieces, and at the end one process would be left with them.
    """
    systems = sorted(config.systems, key=lambda system: system.side != "color")
    sides = dict.fromkeys(system.side for system in systems)
    first, last = [Piece(RECOGNIZERS, side) for side in sides], list[Piece]()
    for system in systems:
        for training in config.trainings(system):
            of_training = [Piece(what, system.side, system.number, training.slug) for what in (TRAINING, JUDGMENT)]
            (last if training.kind in ("remedy", "rescued") else first).extend(of_training)
        first.append(Piece(USES, system.side, system.number))
    return first + last


class Worker:
    """Does pieces of work in a directory, one after the other; what one opened serves the next."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, config_as(RunDirectory(folder), ArticlesConfig)
        self._opened: dict[Side, Splits] = {}

    def splits(self, side: Side) -> Splits:
        """The images of one side, opened again; InputError where they are not the same any more."""
        if side not in self._opened:
            self._opened[side] = self.config.of(side).reopened()
        return self._opened[side]

    def training(self, piece: Piece) -> Training:
        """The training of a piece."""
        return next(each for each in self.config.trainings(piece.system) if each.slug == piece.slug)

    def is_done(self, piece: Piece) -> bool:
        """Whether what it makes is there already."""
        if piece.what == TRAINING:
            return run_of(self.folder, piece.system, self.training(piece)).finished or self.has_diverged(piece)
        return piece.record(self.folder).is_file()

    def has_diverged(self, piece: Piece) -> bool:
        """Whether its training ended for good before its budget."""
        return piece.diverged(self.folder).is_file()

    def told(self, piece: Piece) -> str:
        """What is said when it is done."""
        told = DIVERGED if piece.what == TRAINING and self.has_diverged(piece) else TOLD[piece.what]
        return told.format(side=piece.side, number=piece.number, slug=piece.slug)

    def perform(self, piece: Piece, *, quiet: bool = True, say: Say = hush) -> float:
        """Does a piece, and gives the seconds that it took; a training that was begun goes on."""
        started = time.monotonic()
        if piece.what == TRAINING:
            return self._trained(piece, quiet, say)
        found = DONE_BY[piece.what](self, piece, quiet)
        seconds = time.monotonic() - started
        make_folder(self.folder / RECORDS)
        content = None if found is None else found.model_dump(mode="json")
        write_json(piece.record(self.folder), {"seconds": round(seconds, 3), "content": content})
        return seconds

    def _trained(self, piece: Piece, quiet: bool, say: Say) -> float:
        """Trains, and gives the seconds that it took; one that diverges has ended, and the others go on."""
        started = time.monotonic()
        try:
            return self._train(piece, quiet, say)
        except DivergedError as error:
            seconds = round(time.monotonic() - started, 3)
            make_folder(self.folder / RECORDS)
            ended = {"seconds": seconds, "images": error.images, "told": str(error)}
            write_json(piece.diverged(self.folder), ended)
            return seconds

    def _train(self, piece: Piece, quiet: bool, say: Say) -> float:
        config, training = self.config, self.training(piece)
        data, run = config.of(piece.side), run_of(self.folder, piece.system, training)
        asked = Asked(
            images=config.budget(piece.system, training),
            seed=config.seed,
            settings=training.settings,
            device=config.device,
            precision=config.precision,
            data_root=data.root,
            shaping=data.shaping,
            threads=min(config.threads, cores()),
        )
        ask = GANAsk(data.source, preset=training.preset, rescue=training.rescue, asked=asked)
        train_or_resume(run, ask, quiet=quiet, say=say)
        return float(read_json(run.summary)["seconds"])  # also of what came before an interruption

    def recognizers(self, piece: Piece, quiet: bool) -> None:
        """Trains what is shared: the feature extractor, which is cached, and the recognizer of the real images."""
        splits = self.splits(piece.side)
        extractor_for(splits.train, Extraction(device=self.config.device, precision=self.config.precision))
        learn_from_real(self.folder, self.config, splits, piece.side)

    def judge(self, piece: Piece, quiet: bool) -> Record:
        """Judges a training."""
        training, real = self.training(piece), self.splits(piece.side).train
        if self.has_diverged(piece):
            return ended_early(self.folder, piece.system, training, read_json(piece.diverged(self.folder)), real)
        return judged(self.folder, self.config, piece.system, training, real, quiet=quiet)

    def use(self, piece: Piece, quiet: bool) -> Record | None:
        """Puts a system to its uses; None where one of its two GANs diverged."""
        if any(map(self.has_diverged, piece.needs())):
            return None
        return used(self.folder, self.config, piece.system, self.splits(piece.side))


DONE_BY: dict[str, Callable[[Worker, Piece, bool], Record | None]] = {
    RECOGNIZERS: Worker.recognizers,
    JUDGMENT: Worker.judge,
    USES: Worker.use,
}
