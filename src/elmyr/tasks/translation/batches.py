"""Batches of two kinds of image at once: a function of the position, like every other."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from elmyr.core import seeds
from elmyr.engine.data import ResidentData
from elmyr.engine.task import Batch
from elmyr.images import ImageSet


@dataclass(frozen=True)
class TwoKinds(Batch):
    """Images of A, with their labels, and as many of B: uint8 (N, C, H, W)."""

    others: torch.Tensor


class DomainData:
    """Two image sets in endless orders: of one order where they are paired, else of two that have nothing in common."""

    def __init__(self, a: ImageSet, b: ImageSet, *, paired: bool, seed: int, device: torch.device) -> None:
        self.a = ResidentData(a, seed=seed, device=device)
        other = seed if paired else seeds.derive(seed, "order of the other domain")
        self.b = ResidentData(b, seed=other, device=device)

    def batch(self, position: int, size: int) -> TwoKinds:
        """The `size` images of each kind from `position` (images of A seen) on."""
        first, second = self.a.batch(position, size), self.b.batch(position, size)
        return TwoKinds(first.images, first.labels, second.images)
