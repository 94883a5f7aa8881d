"""The two arms of a verdict trained again, by other recognizers on the same GANs and splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from elmyr.studies.arms import ARMS, Arm, repetitions_of
from elmyr.studies.config import Cell, StudyConfig
from elmyr.studies.verdict import Trial, best_of
from elmyr.studies.work.ledger import Place, Result
from elmyr.studies.work.pieces import Piece

Results = Mapping[Place, Result]


def trials_of(cell: Cell, config: StudyConfig, results: Results) -> list[Trial]:
    """All arms of a cell; the best with and without a GAN with their repeats, as far as these are there."""
    trials = [Trial(ARMS[name], [results[cell.name, seed, name] for seed in config.seeds]) for name in cell.arms]
    best = [_best(trials, uses_gan).arm for uses_gan in (True, False)]
    return [_repeated(trial, cell, config, results) if trial.arm in best else trial for trial in trials]


def repeats_of(config: StudyConfig, results: Results) -> list[Piece]:
    """The trainings that are still to come once every arm has one: of the two best of each cell, in each seed."""
    pieces = []
    for number, cell in enumerate(config.cells):
        trials = trials_of(cell, config, results)
        arms = [each for side in (True, False) for each in _others(_best(trials, side).arm, cell, config)]
        pieces += [Piece(number, seed, arm.name) for seed in config.seeds for arm in arms]
    return pieces


def _best(trials: Sequence[Trial], uses_gan: bool) -> Trial:
    return best_of(trials, uses_gan=uses_gan)


def _others(arm: Arm, cell: Cell, config: StudyConfig) -> list[Arm]:
    """Its repetitions, but for those that a side has chosen from."""
    fresh = [each for each in repetitions_of(arm) if each.name not in cell.arms]
    return fresh[: config.recognizers - 1]


def _repeated(trial: Trial, cell: Cell, config: StudyConfig, results: Results) -> Trial:
    places = [[(cell.name, seed, arm.name) for arm in _others(trial.arm, cell, config)] for seed in config.seeds]
    if not all(place in results for of_seed in places for place in of_seed):
        return trial
    return replace(trial, repeats=[[results[place] for place in of_seed] for of_seed in places])
