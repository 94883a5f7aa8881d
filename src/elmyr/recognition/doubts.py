"""Which labels are likely wrong: what a recognizer that has not seen a label makes of the image, against the label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elmyr.gan import GAN
from elmyr.images import ImageSet
from elmyr.recognition.recognizer import Recognizer


@dataclass(frozen=True)
class Doubts:
    """How likely each label of an image set is wrong, and what is proposed instead.

    given and proposed: class numbers int64 (N,), never the same of an image; chance: float64 (N,), the estimated
    probability that the given label is wrong.
    """

    given: NDArray[np.int64]
    proposed: NDArray[np.int64]
    chance: NDArray[np.float64]

    @property
    def share(self) -> float:
        """The estimated share of wrong labels."""
        raise NotImplementedError

    def suspects(self, precision: float = 0.9) -> NDArray[np.int64]:
        """Places of the images whose label is doubted most, the most doubtful first: int64 (M,).

        As many as can be named so that, by the estimated chances, this share of them has a wrong label; none where
        that cannot be reached.
        """
        raise NotImplementedError


def doubts_of(
    images: ImageSet,
    *,
    gan: GAN | None = None,
    recognizer: Recognizer | None = None,
    folds: int = 4,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    say: Callable[[str], None] = lambda line: None,
) -> Doubts:
    """Doubts about the labels of an image set, by recognizers that were trained on the other folds.

    recognizer: how they learn (method "augment" and few updates where None). gan: one with the same classes, whose
    discriminator is asked as well. Raises InputError for images without labels, fewer than two folds, classes that no
    fold could learn, or a GAN of other images.
    """
    raise NotImplementedError


def without_suspects(images: ImageSet, doubts: Doubts, precision: float = 0.9) -> ImageSet:
    """The images without those whose label is doubted."""
    raise NotImplementedError


def with_corrections(images: ImageSet, doubts: Doubts, precision: float = 0.9) -> ImageSet:
    """The images with the proposed label where the given one is doubted."""
    raise NotImplementedError
