"""What a finished study says: `study.json`, and the pictures beside it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from elmyr.core.files import read_json
from elmyr.images import AS_BYTES, ImageSet, Source, class_rows, load_images, save_npz, save_png
from elmyr.images.dataset.shaping import TROUBLES
from elmyr.metrics import FEWEST_SEEDS, PairedDifference, is_unbalanced, wilson_interval
from elmyr.studies.arms import Case, added_by_larger
from elmyr.studies.arms.withstanding import judging_attack
from elmyr.studies.best.repeats import trials_of
from elmyr.studies.cell_data import CellData
from elmyr.studies.config import FAIR_SEEDS, Cell, StudyConfig
from elmyr.studies.verdict import Changed, Judged, Trial, best_of, changed_by, difference_of, verdict_of
from elmyr.studies.work.begun import processes_in_words
from elmyr.studies.work.gan_runs import progress_of
from elmyr.studies.work.ledger import Ledger, Place
from elmyr.studies.work.pieces import GAN, Piece, Worker
from elmyr.tasks.gan.collapse import collapse_of, written

SHOWN_PER_CLASS = 10
MOST_CHANGED = 12


def summary_of(folder: Path, config: StudyConfig, ledger: Ledger, worker: Worker) -> dict[str, Any]:
    """All that a finished study found, as JSON values; writes the pictures that its report shows."""
    seconds = ledger.seconds()
    first = worker.ground(Piece(0, config.seeds[0], GAN))
    generated = load_images(first.run.generated, shaping=AS_BYTES)
    save_png(class_rows(generated, SHOWN_PER_CLASS), folder / "generated.png")
    return {
        "name": config.name,
        "source": config.source,
        "classes": list(first.test.classes),
        "seeds": list(config.seeds),
        "looks": list(config.looks),
        "images": config.images,
        "recognizer_updates": config.updates,
        "preset": config.preset,
        "effort": config.effort,
        "left_out": config.left_out,
        "limit": config.shaping.limit,
        "cells": [_cell(folder, number, config, ledger, worker) for number in range(len(config.cells))],
        "environment": read_json(folder / "environment.json"),
        "commands": [command_of(config)],
        "to_decide": _command_that_decides(config),
        "seconds": round(sum(seconds.values()), 1),
        "processes": config.processes,
    }


def command_of(config: StudyConfig) -> str:
    """The command that does this study again, with nothing left to defaults."""
    first = config.looks[0] if config.looks else len(config.seeds)
    words = ["elmyr", "study", config.source, "--seeds", str(first), "--seed", str(config.seeds[0])]
    words += ["--seeds-at-most", str(config.looks[-1])] if config.looks else []
    words += ["--recognizers", str(config.recognizers)] if config.recognizers > 1 else []
    words += ["--updates", str(config.updates), "--images", str(config.images), "--preset", config.preset]
    words += ["--effort", config.effort]
    words += ["--robust", str(config.robust)] if config.robust is not None else []
    words += ["--borrow", config.borrow.source] if config.borrow is not None else []
    words += ["--device", config.device, "--precision", config.precision]
    words += processes_in_words(config.processes, config.threads)
    words += ["--data-root", config.root] if config.root is not None else []
    words += config.shaping.as_words()
    words += ["--folds", "none"] if config.shaping.folds is None else []
    for name in ("images_per_class", "imbalance", "label_noise", "labels_per_class"):
        values = list(dict.fromkeys(getattr(cell.shaping, name) for cell in config.cells))
        if values != [getattr(config.shaping, name)]:
            words += [
                f"--{name.replace('_', '-')}",
                ",".join(str(each) if each else "all" for each in values),
            ]
    words += ["--allow-duplicates"] if config.allow_duplicates else []
    words += ["--retrain"] if config.retrain else []
    for setting in config.settings:
        words += ["--set", setting]
    return shlex.join(words)


def _command_that_decides(config: StudyConfig) -> str | None:
    """The same study of as many seeds as a verdict takes, where it has too few."""
    if len(config.seeds) >= FEWEST_SEEDS:
        return None
    first = config.seeds[0]
    return command_of(config.model_copy(update={"seeds": tuple(range(first, first + FAIR_SEEDS))}))


def _cell(folder: Path, number: int, config: StudyConfig, ledger: Ledger, worker: Worker) -> dict[str, Any]:
    cell, results, seconds = config.cells[number], ledger.results(), ledger.seconds()
    trials = trials_of(cell, config, results)
    grounds = [worker.ground(Piece(number, seed, GAN)) for seed in config.seeds]
    first = grounds[0]
    tested = [Judged(ground.test_indices, ground.test.require_labels()) for ground in grounds]
    confusions = {trial.arm.name: _confusion(trial, tested, len(first.test.classes)) for trial in trials}
    with_gan, without = best_of(trials, uses_gan=True), best_of(trials, uses_gan=False)
    gan_seconds = [round(float(read_json(ground.run.summary)["seconds"]), 1) for ground in grounds]
    figures = first.run.evaluation
    return {
        "name": cell.name,
        "folder": cell.folder,
        "trouble": cell.shaping.model_dump(include=set(TROUBLES)),
        "measure": cell.measure,
        "attack": None if cell.robust is None else judging_attack(cell.robust).told,
        "counts": _counts(first),
        "folds": cell.shaping.folds,
        "shares_test": worker.source.test is not None,
        "pool": len(worker.source.train if worker.source.test is None else worker.source.test),
        "larger_efforts": added_by_larger(_case(cell, first), config.effort),
        "tested": _tested(tested, len(first.test.classes)).tolist(),
        "arms": [
            _arm(trial, cell, config, seconds, gan_seconds)
            | _recalls(confusions[trial.arm.name], _tested(tested, len(first.test.classes)))
            | {"apart": None if trial is without else _apart(difference_of(cell, trial, without, tested, config.level))}
            for trial in trials
        ],
        "verdict": _with_looks(verdict_of(cell, trials, tested, len(first.labeled), config.level), config),
        "confusion": {
            "without": np.rint(confusions[without.arm.name]).astype(int).tolist(),
            "with": np.rint(confusions[with_gan.arm.name]).astype(int).tolist(),
        },
        "changed": _changed(folder, cell, with_gan, without, tested, worker.source),
        "evaluation": read_json(figures) if figures.is_file() else None,
        "gan_seconds": gan_seconds,
        "gan_progress": [progress_of(ground.run) for ground in grounds],
        "collapsed": [seed for seed, ground in zip(config.seeds, grounds, strict=True) if collapse_of(ground.run)],
        "repair": _repair(grounds),
        "gan_runs": [str(ground.run.path.relative_to(folder)) for ground in grounds],
    }


def _repair(grounds: Sequence[CellData]) -> str:
    """The settings to try after a collapse, as options; none where no GAN collapsed."""
    found = [collapse for ground in grounds if (collapse := collapse_of(ground.run)) is not None]
    settings = dict.fromkeys(setting for collapse in found for setting in written(collapse.settings))
    return " ".join(f"--set {setting}" for setting in settings)


def _case(cell: Cell, ground: CellData) -> Case:
    counts = np.bincount(ground.labeled.require_labels(), minlength=len(ground.labeled.classes))
    unbalanced = cell.shaping.imbalance is not None or is_unbalanced(counts)
    return Case(cell.shaping, unbalanced, ground.config.borrow is not None, cell.robust is not None)


def _with_looks(verdict: dict[str, Any], config: StudyConfig) -> dict[str, Any]:
    """Where seeds are added until it is decided, the sentence says so."""
    if not config.looks:
        return verdict
    seeds = f"After {len(config.seeds)} of at most {config.most} seeds"
    told = f"{seeds}; the interval holds over all {len(config.looks)} looks."
    return verdict | {"sentence": f"{verdict['sentence']} {told}"}


def _counts(ground: CellData) -> dict[str, int]:
    counts = {"train": len(ground.labeled), "validation": len(ground.validation), "test": len(ground.test)}
    return counts if ground.unlabeled is None else counts | {"without label": len(ground.unlabeled)}


def _arm(
    trial: Trial,
    cell: Cell,
    config: StudyConfig,
    seconds: dict[Place, float],
    gan_seconds: Sequence[float],
) -> dict[str, Any]:
    own = [seconds.get((cell.name, seed, trial.arm.name), 0.0) for seed in config.seeds]
    spent = [a + b for a, b in zip(own, gan_seconds, strict=True)] if trial.arm.needs_run else own
    return {
        "name": trial.arm.name,
        "about": trial.arm.about,
        "paper": trial.arm.paper,
        "effort": trial.arm.effort,
        "uses_gan": trial.arm.uses_gan,
        "share": [result.share for result in trial.results],
        "recognizers": len(trial.trainings[0]),
        "validation": [result.validation for result in trial.results],
        "test": trial.of_seeds(cell.measure),
        "accuracy": trial.of_seeds("accuracy"),
        "macro_f1": trial.of_seeds("macro F1"),
        "seconds": [round(each, 1) for each in spent],
    }


def _tested(tested: Sequence[Judged], classes: int) -> NDArray[np.int64]:
    """How many images of each class were tested, each counted once however many seeds tested it."""
    _, first = np.unique(np.concatenate([each.places for each in tested]), return_index=True)
    return np.bincount(np.concatenate([each.labels for each in tested])[first], minlength=classes)


def _recalls(confusion: NDArray[np.float64], tested: NDArray[np.int64]) -> dict[str, Any]:
    """Recall class by class over all seeds, with Wilson intervals by the number of images, not of readings."""
    counts = zip(confusion.diagonal(), confusion.sum(1), strict=True)
    shares = [float(right) / float(count) if count else None for right, count in counts]
    intervals = [
        None if share is None else list(wilson_interval(round(share * int(count)), int(count)))
        for share, count in zip(shares, tested, strict=True)
    ]
    return {"recalls": shares, "recall_intervals": intervals}


def _apart(difference: PairedDifference) -> list[float]:
    return [difference.difference, difference.low, difference.high]


def _confusion(trial: Trial, tested: Sequence[Judged], classes: int) -> NDArray[np.float64]:
    """[class][prediction], counts over all seeds; of several recognizers a seed their mean."""
    counts = np.zeros((classes, classes))
    for of_seed, test in zip(trial.trainings, tested, strict=True):
        for each in of_seed:
            counts += confusion_matrix(test.labels, each.read, labels=np.arange(classes)) / len(of_seed)
    return counts


def _changed(
    folder: Path, cell: Cell, with_gan: Trial, without: Trial, tested: Sequence[Judged], source: Source
) -> dict[str, list[dict[str, Any]]]:
    """What the GAN rescued and what it broke; the images themselves in `changed/`, in the same order."""
    images = source.train if source.test is None else source.test
    found = dict(zip(("rescued", "broken"), changed_by(with_gan, without, tested, MOST_CHANGED), strict=True))
    for name, changed in found.items():
        _save(folder / "changed" / f"{cell.folder}-{name}.npz", images, changed)
    return {name: [asdict(each) for each in changed] for name, changed in found.items()}


def _save(path: Path, images: ImageSet, changed: Sequence[Changed]) -> None:
    if changed:
        path.parent.mkdir(exist_ok=True)
        save_npz(images.take(np.array([each.place for each in changed])), path)
