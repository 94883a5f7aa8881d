"""The record of a run of the articles' systems, of what its pieces of work found."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from elmyr.core.files import read_json
from elmyr.core.plugins import with_plugins
from elmyr.studies.articles.config import ArticlesConfig
from elmyr.studies.articles.pieces import JUDGMENT, TRAINING, USES, Piece, Worker, pieces_of
from elmyr.studies.articles.places import run_of
from elmyr.studies.articles.record import ArticlesRecord, DataRecord, SystemRecord, TrainingRecord, UsesRecord
from elmyr.studies.articles.systems import Side, System


def gathered(folder: Path, worker: Worker) -> ArticlesRecord:
    """The whole record; every piece is done."""
    config = worker.config
    sides = {system.side for system in config.systems}
    return ArticlesRecord(
        command=command_of(config),
        effort=config.effort,
        seed=config.seed,
        machine=read_json(folder / "environment.json"),
        data=_data(worker, "gray") if "gray" in sides else None,
        color=_data(worker, "color") if "color" in sides else None,
        seconds=round(sum(_seconds(folder, worker, piece) for piece in pieces_of(config)), 1),
        systems=tuple(_system(folder, config, system) for system in config.systems),
    )


def command_of(config: ArticlesConfig) -> str:
    """The command that does the same again, with nothing left to defaults."""
    roots = [each.root for each in (config.data, config.color) if each is not None and not os.path.isabs(each.source)]
    root = next(filter(None, roots), None)  # of named sets: where a path lies depends on no folder
    words = ["elmyr", "articles"]
    words += [config.data.source, *config.data.shaping.as_words()] if config.data is not None else []
    words += ["--color", config.color.source] if config.color is not None else []
    words += ["--only", ",".join(map(str, config.numbers)), "--effort", config.effort]
    words += ["--images", str(config.images)] if config.images is not None else []
    words += ["--remedies"] if config.remedies else []
    words += ["--seed", str(config.seed), "--device", config.device, "--precision", config.precision]
    words += ["--data-root", root] if root is not None else []
    return with_plugins(shlex.join([*words, "--processes", str(config.processes)]))


def _data(worker: Worker, side: Side) -> DataRecord:
    splits = worker.splits(side)
    return DataRecord(
        name=splits.train.name,
        training=len(splits.train),
        test=len(splits.test),
        height=splits.train.height,
        width=splits.train.width,
        channels=splits.train.channels,
        classes=splits.train.classes,
    )


def _seconds(folder: Path, worker: Worker, piece: Piece) -> float:
    if piece.what == TRAINING:
        run = run_of(folder, piece.system, worker.training(piece))
        return float(read_json(piece.diverged(folder) if worker.has_diverged(piece) else run.summary)["seconds"])
    return float(read_json(piece.record(folder))["seconds"])


def _system(folder: Path, config: ArticlesConfig, system: System) -> SystemRecord:
    trainings = [Piece(JUDGMENT, system.side, system.number, each.slug) for each in config.trainings(system)]
    uses = _content(folder, Piece(USES, system.side, system.number))
    return SystemRecord(
        number=system.number,
        title=system.title,
        preset=system.preset,
        cured_preset=system.cured,
        data=system.side,
        put_right=system.put_right,
        troubles=system.troubles,
        trainings=tuple(TrainingRecord.model_validate(_content(folder, each)) for each in trainings),
        uses=None if uses is None else UsesRecord.model_validate(uses),
    )


def _content(folder: Path, piece: Piece) -> Any:
    return read_json(piece.record(folder))["content"]
