"""The training of an arm: its recognizer, and what that reads in the test part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.engine.progress import shown
from elmyr.metrics import accuracy, balanced_accuracy, macro_f1
from elmyr.studies.arms.arm import Arm, Training
from elmyr.studies.cell_data import CellData
from elmyr.tasks.recognition import Recognizer
from elmyr.tasks.recognition.learning.methods import read_method

MEASURES = {"accuracy": accuracy, "balanced accuracy": balanced_accuracy, "macro F1": macro_f1}


@dataclass(frozen=True)
class ArmResult:
    """One arm with one seed: its share of generated images, what it then read in the test part, and the recognizer."""

    share: float
    validation: float
    validation_by_share: dict[str, float]
    read: NDArray[np.int64]
    recognizer: Recognizer


def train_arm(arm: Arm, ground: CellData, *, updates: int, quiet: bool = True) -> ArmResult:
    """Trains the arm's recognizer with each of its shares and keeps the best on validation (the first of equals).

    Without `quiet` its progress is shown.
    """
    candidates = []
    measure = MEASURES[ground.cell.measure]
    for share in arm.shares:
        with shown(arm.name, total=updates * read_method(arm.method).batch, quiet=quiet) as listener:
            recognizer = arm.train(Training(arm, ground, share, updates, listener))
        reached = measure(recognizer.predict(ground.validation.images), ground.validation.require_labels())
        candidates.append((float(reached), share, recognizer))
    reached, share, recognizer = max(candidates, key=lambda candidate: candidate[0])
    return ArmResult(
        share=recognizer.generated_share,
        validation=reached,
        validation_by_share={f"{share:g}": reached for reached, share, _ in candidates},
        read=np.asarray(recognizer.predict(ground.test.images), np.int64),
        recognizer=recognizer,
    )
