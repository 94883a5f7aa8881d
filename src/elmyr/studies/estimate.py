"""How long a study takes here: each kind of training is timed for a moment; and what of it fits a budget."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.engine.dry_run import rehearse
from elmyr.engine.spec import Asked
from elmyr.images import Source, split_source
from elmyr.studies.arms import ARMS, Arm
from elmyr.studies.config import StudyConfig
from elmyr.studies.pieces import FIGURES, GAN, Piece, pieces_of
from elmyr.tasks.gan.plan import GANAsk
from elmyr.tasks.gan.spec import GAN_SPEC
from elmyr.tasks.recognition import Recognizer, doubting
from elmyr.tasks.recognition.label_errors.estimate import FOLDS
from elmyr.tasks.recognition.learning.methods import read_method

SECONDS = 2.0  # of timing the GAN
FEW, MORE = 3, 13  # updates of timing a recognizer: what comes before the first is no part of it
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


def estimate(config: StudyConfig, source: Source) -> TimeEstimate:
    """Times a few updates of each kind of training, by as many threads as one process of the study has."""
    with machine.threads(config.threads):
        gan = _gan_seconds(config)
        by_method = {method: _update_seconds(method, source, config) for method in _methods(config)}
    pieces = {}
    for piece in pieces_of(config.model_copy(update={"seeds": config.seeds[:1]})):
        if piece.what == GAN:
            pieces[piece] = gan
        elif piece.what != FIGURES:  # once a cell, and short beside the rest
            pieces[piece] = _arm_seconds(ARMS[piece.what], by_method, config, source)
    return TimeEstimate(pieces, config.most, config.processes)


def within(budget: float, config: StudyConfig, source: Source) -> tuple[StudyConfig, TimeEstimate]:
    """The study with as many of its seeds as fit into so many seconds; InputError where not even one does."""
    whole = estimate(config, source)
    smallest = whole.seconds(1)
    fitting = min(whole.seeds, int(budget / smallest))
    if not fitting:
        raise InputError(
            f"--budget {told(budget)} is too small: one seed takes about {told(smallest)} here, the smallest budget; "
            "give that, or fewer --images or values"
        )
    return config.up_to(fitting), replace(whole, seeds=fitting)


def told(seconds: float) -> str:
    """Seconds as `2h05m`, `12m` or `40s`, never less than they are."""
    if seconds <= 59:
        return f"{ceil(seconds)}s"
    minutes = ceil(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m"


def _methods(config: StudyConfig) -> set[str]:
    return {ARMS[name].method for cell in config.cells for name in cell.arms}


def _gan_seconds(config: StudyConfig) -> float:
    asked = Asked(
        images=config.images,
        seed=config.seeds[0],
        settings=config.settings,
        device=config.device,
        precision=config.precision,
        data_root=config.root,
        shaping=config.shaping,
    )
    ask = GANAsk(config.source, preset=config.preset, asked=asked)
    return AROUND * 60 * rehearse(GAN_SPEC, ask, seconds=SECONDS).minutes


def _update_seconds(method: str, source: Source, config: StudyConfig) -> float:
    train = split_source(source, config.seeds[0], config.shaping).train
    images = train.take(np.linspace(0, len(train) - 1, min(1000, len(train))).astype(np.int64))  # of every class some
    needs = read_method(method).needs == "unlabeled"
    spent = []
    for updates in (FEW, MORE):
        recognizer = Recognizer(method=method, updates=updates, device=config.device, precision=config.precision)
        started = time.monotonic()
        recognizer.fit(images.images, images.require_labels(), unlabeled=images.images if needs else None)
        spent.append(time.monotonic() - started)
    return max(spent[1] - spent[0], 1e-4) / (MORE - FEW)


def _arm_seconds(arm: Arm, by_method: Mapping[str, float], config: StudyConfig, source: Source) -> float:
    updates = len(arm.shares) * config.updates
    if arm.doubts:
        updates += FOLDS * int(doubting(source.train).updates or 0)
    return AROUND * updates * by_method[arm.method]
