"""What may be asked of the generated images that a recognizer's run learns from, as people write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from elmyr.core.amounts import Amount, image_count
from elmyr.core.errors import InputError
from elmyr.engine.saving.places import Run
from elmyr.tasks.gan.model import LARGEST_TRUNCATION
from elmyr.tasks.recognition.learning.chosen_samples import require_share

FRESH: Literal["fresh"] = "fresh"
Factors = float | str | Sequence[float]  # 1.2, "0.8,1,1.2" or (0.8, 1, 1.2)
Names = str | Sequence[str] | None  # "best", "best,latest" or ("best", "latest")


@dataclass(frozen=True)
class GeneratedAsk:
    """See `train_recognizer`, which has the same by name; InputError for what cannot be had."""

    realism: float = 1.0
    agreeing: Run | None = None
    hardest: float = 1.0
    generated: Amount | None = None  # or FRESH
    truncation: Factors = 1.0
    checkpoint: Names = None
    soft_labels: Run | None = None

    def __post_init__(self) -> None:
        require_share("--realism", self.realism)
        require_share("--hardest", self.hardest)
        if self.hardest < 1 and self.agreeing is None:
            raise InputError("--hardest takes what a recognizer is least sure of: name one with --agreeing")
        if self.soft_labels is not None and self.count not in (None, FRESH):
            raise InputError("--soft-labels are given to fresh images: leave out --generated, or make it fresh")
        if any(not 0 < factor <= LARGEST_TRUNCATION for factor in self.truncations):
            raise InputError(f"--truncation is {self.truncation}: factors are above 0 and at most 2, such as 0.8,1,1.2")
        if len(set(self.checkpoints)) < len(self.checkpoints):
            raise InputError(f"--checkpoint is '{self.checkpoint}', which names one twice: name each once")

    @property
    def count(self) -> int | Literal["fresh"] | None:
        """How many; None where nothing is said."""
        return FRESH if self.generated == FRESH else image_count(self.generated, "--generated")

    @property
    def truncations(self) -> tuple[float, ...]:
        """The factors of latents, in turn."""
        if isinstance(self.truncation, int | float):
            return (float(self.truncation),)
        parts = self.truncation.split(",") if isinstance(self.truncation, str) else self.truncation
        try:
            return tuple(float(part) for part in parts)
        except ValueError:
            raise InputError(f"--truncation is '{self.truncation}': give numbers, such as 1.2 or 0.8,1,1.2") from None

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Names of checkpoints, in turn; none for the finished model."""
        if self.checkpoint is None:
            return ()
        names = self.checkpoint.split(",") if isinstance(self.checkpoint, str) else self.checkpoint
        return tuple(name.strip() for name in names)

    @property
    def asks(self) -> bool:
        """Whether anything is asked."""
        without = GeneratedAsk()
        return (self.as_config(), self.agreeing, self.soft_labels) != (without.as_config(), None, None)

    def as_config(self) -> dict[str, Any]:
        """The fields of a config, but for the places of runs."""
        return {
            "realism": self.realism,
            "hardest": self.hardest,
            "generated": self.count,
            "truncations": self.truncations,
            "checkpoints": self.checkpoints,
        }
