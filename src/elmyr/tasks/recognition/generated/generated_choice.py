"""How generated images are best used: which checkpoint, which truncation, which share, chosen by short trainings.

GaFi (Lampis et al. 2023, "Bridging the Gap: Enhancing the Utility of Synthetic Data via Post-Processing Techniques")
chooses so on the validation part. Here one thing is chosen after the other, and a candidate takes the place of what
stands only where it is ahead by more than the standard error of their difference: what a small validation part cannot
tell apart is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SHARES = (0.5, 0.25, 0.1, 0.8)
TRUNCATIONS = (0.8, 1.2, 1.5)
MOST_CHECKPOINTS = 2
MOST_TRIED = len(SHARES) + len(TRUNCATIONS) + MOST_CHECKPOINTS


@dataclass(frozen=True)
class Recipe:
    """How generated images are used. checkpoint: None for the finished model."""

    share: float = SHARES[0]
    truncation: float = 1.0
    checkpoint: str | None = None

    @property
    def told(self) -> str:
        """The recipe in words."""
        of = "the finished model" if self.checkpoint is None else f"the checkpoint of {int(self.checkpoint):,} images"
        return f"{100 * self.share:g} % generated, truncation {self.truncation:g}, {of}"


@dataclass(frozen=True)
class Tried:
    """A recipe, and what a short training by it reached."""

    recipe: Recipe
    reached: float


def chosen_recipe(
    scores: Callable[[Recipe], NDArray[np.float64]], checkpoints: Sequence[str] = ()
) -> tuple[Recipe, tuple[Tried, ...]]:
    """The recipe to use, and all that were tried, at most `MOST_TRIED`.

    scores: what a short training by a recipe reaches on each validation image, float64 (N,), whose mean counts.
    checkpoints: of the GAN, beside the finished model, by their images seen; of several the last are tried.
    """
    standing = Recipe()
    best = scores(standing)
    tried = [Tried(standing, float(best.mean()))]
    for of in _alternatives(checkpoints):
        reached = [(recipe, scores(recipe)) for recipe in of(standing)]
        tried += [Tried(recipe, float(each.mean())) for recipe, each in reached]
        ahead = [(float(each.mean()), recipe, each) for recipe, each in reached if _clearly_ahead(each, best)]
        if ahead:
            _, standing, best = max(ahead, key=lambda candidate: candidate[0])
    return standing, tuple(tried)


def _alternatives(checkpoints: Sequence[str]) -> list[Callable[[Recipe], list[Recipe]]]:
    """What else may be tried of one thing, the others as they stand; in the order in which they are chosen."""
    last = sorted(checkpoints, key=int)[-MOST_CHECKPOINTS:]
    return [
        lambda standing: [replace(standing, share=share) for share in SHARES[1:]],
        lambda standing: [replace(standing, truncation=factor) for factor in TRUNCATIONS],
        lambda standing: [replace(standing, checkpoint=name) for name in last],
    ]


def _clearly_ahead(scores: NDArray[np.float64], of: NDArray[np.float64]) -> bool:
    """Whether the mean of paired scores is ahead by more than the standard error of the difference."""
    differences = scores - of
    return bool(differences.mean() > differences.std(ddof=1) / np.sqrt(len(differences)))
