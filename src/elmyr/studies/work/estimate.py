"""How long a study takes here: each kind of training is timed for a moment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from elmyr.core import machine
from elmyr.core.thread_counts import cores
from elmyr.engine.dry_run import rehearse
from elmyr.engine.spec import Asked
from elmyr.images import Source, split_source
from elmyr.studies.arms import ARMS, Arm
from elmyr.studies.arms.withstanding import judging_updates
from elmyr.studies.cell_data import MOST_TESTED, MOST_VALIDATED
from elmyr.studies.config import StudyConfig
from elmyr.studies.work.pieces import FIGURES, GAN, Piece, pieces_of
from elmyr.tasks.gan.plan import GANAsk
from elmyr.tasks.gan.spec import GAN_SPEC
from elmyr.tasks.recognition import Recognizer, doubting
from elmyr.tasks.recognition.label_errors.estimate import FOLDS
from elmyr.tasks.recognition.learning.methods import read_method

BEST_AGAIN = "the best with and without a GAN, again"
SECONDS = 2.0  # of timing the GAN
FEW, MORE = 3, 13  # updates of timing a recognizer: what comes before the first is no part of it
VARYING = 2.0  # the time of a generator of variations, in that of a GAN: it sees three images for one
AROUND = 1.15  # the watch's looks, checkpoints, samples and reading, beside the updates


@dataclass(frozen=True)
class TimeEstimate:
    """About how many seconds each piece of one seed takes by itself, the seeds at most, and what is done at once."""

    pieces: Mapping[Piece, float]
    seeds: int
    processes: int

    def seconds(self, seeds: int | None = None) -> float:
        """The whole study, or so many of its seeds: each has the same pieces."""
        return (self.seeds if seeds is None else seeds) * sum(self.pieces.values()) / self.processes

    def rows(self, config: StudyConfig) -> list[tuple[str, str, float]]:
        """Cell, what is trained, and the seconds of one seed."""
        return [(config.cells[piece.cell].name, piece.what, spent) for piece, spent in self.pieces.items()]


class Timing:
    """How long one update of each kind of training takes here, timed when first asked for, and a GAN's whole budget.

    Timed with as many threads as one process of the study has.
    """

    def __init__(self, config: StudyConfig, source: Source) -> None:
        self.config, self.source = config, source
        self._updates: dict[str, float] = {}

    @cached_property
    def gan(self) -> float:
        """Seconds of a GAN."""
        with machine.threads(self.config.threads):
            return _gan_seconds(self.config)

    def arm(self, arm: Arm) -> float:
        """Seconds of an arm."""
        updates = len(arm.shares) * arm.cost * self.config.updates
        if arm.robust:
            updates += judging_updates(arm.method, *self._judged)
        if arm.doubts:
            updates += FOLDS * int(doubting(self.source.train).updates or 0)
        return AROUND * updates * self._update(arm) + (self.gan if arm.trains_gan else 0.0)

    @cached_property
    def _judged(self) -> tuple[int, int]:
        splits = split_source(self.source, self.config.seeds[0], self.config.shaping)
        return min(len(splits.validation), MOST_VALIDATED), min(len(splits.test), MOST_TESTED)

    def _update(self, arm: Arm) -> float:
        """Of a method with these choices: images that are moved in another way take another time."""
        kind = repr((arm.method, sorted(arm.parameters_for(self.config.robust).items())))
        if kind not in self._updates:
            with machine.threads(self.config.threads):
                self._updates[kind] = _update_seconds(arm, self.source, self.config)
        return self._updates[kind]


def estimate(config: StudyConfig, timing: Timing) -> TimeEstimate:
    """How long the pieces of a study take, by what each kind of training takes."""
    pieces, varying = {}, set[int]()
    for piece in pieces_of(config.model_copy(update={"seeds": config.seeds[:1]})):
        if piece.what == GAN:
            pieces[piece] = timing.gan
        elif piece.what != FIGURES:  # once a cell, and short beside the rest
            arm = ARMS[piece.what]
            first = arm.varies and piece.cell not in varying  # it trains the generator that the others find there
            varying |= {piece.cell} if first else set()
            pieces[piece] = timing.arm(arm) + (VARYING * timing.gan if first else 0.0)
    if config.recognizers > 1:
        for number, cell in enumerate(config.cells):  # which these are is not known: the dearest of each side
            arms = [ARMS[name] for name in cell.arms]
            dearest = sum(
                max(timing.arm(arm) for arm in arms if arm.uses_gan == uses_gan) for uses_gan in (True, False)
            )
            pieces[Piece(number, config.seeds[0], BEST_AGAIN)] = (config.recognizers - 1) * dearest
    return TimeEstimate(pieces, config.most, config.processes)


def told(seconds: float) -> str:
    """Seconds as `2h05m`, `12m` or `40s`, never less than they are."""
    if seconds <= 59:
        return f"{ceil(seconds)}s"
    minutes = ceil(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m"


def _gan_seconds(config: StudyConfig) -> float:
    asked = Asked(
        images=config.images,
        seed=config.seeds[0],
        settings=config.settings,
        device=config.device,
        precision=config.precision,
        data_root=config.root,
        shaping=config.shaping,
        threads=min(config.threads, cores()),
    )
    ask = GANAsk(config.source, preset=config.preset, asked=asked)
    return AROUND * 60 * rehearse(GAN_SPEC, ask, seconds=SECONDS).minutes


def _update_seconds(arm: Arm, source: Source, config: StudyConfig) -> float:
    train = split_source(source, config.seeds[0], config.shaping).train
    images = train.take(np.linspace(0, len(train) - 1, min(1000, len(train))).astype(np.int64))  # of every class some
    needs, labeled = read_method(arm.method).needs, (images.images, images.require_labels())
    unlabeled, generated = images.images if needs == "unlabeled" else None, labeled if needs == "generated" else None
    spent = []
    for updates in (FEW, MORE):
        how: dict[str, Any] = {"method": arm.method, "device": config.device, "precision": config.precision}
        how |= arm.parameters_for(config.robust)
        recognizer = Recognizer(**how | {"updates": updates})
        started = time.monotonic()
        recognizer.fit(*labeled, unlabeled=unlabeled, generated=generated)
        spent.append(time.monotonic() - started)
    return max(spent[1] - spent[0], 1e-4) / (MORE - FEW)
