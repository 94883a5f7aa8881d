"""The training of an arm: its recognizer, and what that reads in the test part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.engine.progress import shown
from elmyr.images import ImageSet
from elmyr.metrics import accuracy, balanced_accuracy, macro_f1
from elmyr.studies.arms.arm import Arm, Training
from elmyr.studies.arms.withstanding import read_under_attack
from elmyr.studies.cell_data import CellData
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.learning.methods import read_method

ROBUST = "robust accuracy"  # of images that are attacked
MEASURES = {"accuracy": accuracy, "balanced accuracy": balanced_accuracy, "macro F1": macro_f1}


@dataclass(frozen=True)
class ArmResult:
    """One arm with one seed: its share of generated images, what it then read in the test part, and the recognizer.

    read: of images that are attacked where arms are judged so. test: what it reached, by each measure.
    """

    share: float
    validation: float
    validation_by_share: dict[str, float]
    test: dict[str, float]
    read: NDArray[np.int64]
    recognizer: Recognizer


def train_arm(arm: Arm, ground: CellData, *, updates: int, quiet: bool = True) -> ArmResult:
    """Trains the arm's recognizer with each of its shares and keeps the best on validation (the first of equals).

    Without `quiet` its progress is shown.
    """
    candidates, epsilon = [], ground.cell.robust
    measure = MEASURES[ground.cell.measure] if epsilon is None else accuracy
    for share in arm.shares:
        with shown(arm.name, total=updates * read_method(arm.method).batch, quiet=quiet) as listener:
            recognizer = arm.train(Training(arm, ground, share, updates, listener))
        reached = measure(_read(recognizer, ground.validation, epsilon), ground.validation.require_labels())
        candidates.append((float(reached), share, recognizer))
    reached, share, recognizer = max(candidates, key=lambda candidate: candidate[0])
    plain, labels = _read(recognizer, ground.test), ground.test.require_labels()
    test = {name: float(each(plain, labels)) for name, each in MEASURES.items()}
    read = plain if epsilon is None else _read(recognizer, ground.test, epsilon)
    return ArmResult(
        share=recognizer.generated_share,
        validation=reached,
        validation_by_share={f"{share:g}": reached for reached, share, _ in candidates},
        test=test if epsilon is None else {**test, ROBUST: float(accuracy(read, labels))},
        read=read,
        recognizer=recognizer,
    )


def _read(recognizer: Recognizer, images: ImageSet, epsilon: float | None = None) -> NDArray[np.int64]:
    """The labels (N,) that are read in images, which are attacked where there is an epsilon."""
    if epsilon is not None:
        return read_under_attack(recognizer, images, epsilon)
    return np.asarray(recognizer.predict(images.images), np.int64)
