"""The arms of a study: the ways to train the recognizer that are held against each other."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.images import ImageSet, Pixels, Splits
from elmyr.metrics import accuracy
from elmyr.recognition import Recognizer

MIXED_SHARES = (0.25, 0.5)


@dataclass(frozen=True)
class Arm:
    """One way to train the recognizer. `shares`: the candidate shares of generated images in its batches."""

    name: str
    classical: bool
    shares: tuple[float, ...]

    @property
    def uses_gan(self) -> bool:
        """Whether generated images take part."""
        return max(self.shares) > 0


ARMS = (
    Arm("real", classical=False, shares=(0.0,)),
    Arm("real + classical", classical=True, shares=(0.0,)),
    Arm("generated", classical=False, shares=(1.0,)),
    Arm("real + generated", classical=False, shares=MIXED_SHARES),
    Arm("real + classical + generated", classical=True, shares=MIXED_SHARES),
)


@dataclass(frozen=True)
class ArmResult:
    """One arm with one seed: the share chosen on validation, and what it then gave."""

    share: float
    validation_accuracy: float
    validation_by_share: dict[str, float]
    recognizer: Recognizer
    seconds: float

    def correct_on(self, images: ImageSet) -> NDArray[np.bool_]:
        """Whether each image's label is read right (N,)."""
        return np.asarray(self.recognizer.predict(images.images) == images.require_labels())


def train_arm(
    arm: Arm, splits: Splits, generated: ImageSet, *, updates: int, seed: int, device: str, precision: str
) -> ArmResult:
    """Trains the arm's recognizer with each of its shares and keeps the best on validation (the first of equals)."""
    started = time.monotonic()
    candidates = []
    for share in arm.shares:
        recognizer = Recognizer(
            updates=updates,
            method="augment" if arm.classical else "supervised",
            generated_share=share,
            seed=seed,
            device=device,
            precision=precision,
        )
        real, fake = _pair(splits.train), _pair(generated)
        if share == 1:
            recognizer.fit(*fake)
        else:
            recognizer.fit(*real, generated=fake if share else None)
        reached = accuracy(recognizer.predict(splits.validation.images), splits.validation.require_labels())
        candidates.append((reached, share, recognizer))
    reached, share, recognizer = max(candidates, key=lambda candidate: candidate[0])
    return ArmResult(
        share=share,
        validation_accuracy=reached,
        validation_by_share={f"{share:g}": reached for reached, share, _ in candidates},
        recognizer=recognizer,
        seconds=time.monotonic() - started,
    )


def _pair(images: ImageSet) -> tuple[Pixels, NDArray[np.int64]]:
    return images.images, images.require_labels()
