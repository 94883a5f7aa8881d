"""Batches of two kinds of image at once: a function of the position, like every other."""

from __future__ import annotations

import torch

from elmyr.core import seeds
from elmyr.engine.data import Joined, ResidentData
from elmyr.engine.task import Batch
from elmyr.images import ImageSet


class TwoKinds(Batch):
    """Images of A, with their labels, and as many of B: uint8 (N, C, H, W)."""

    def __init__(self, a: Batch, b: Batch) -> None:
        super().__init__(Joined([a]), a.labels)
        self._b = b

    @property
    def others(self) -> torch.Tensor:
        """All of its images of B."""
        return self._b.images

    def part(self, place: slice) -> TwoKinds:
        """The images of both kinds from a place on up to another."""
        return TwoKinds(super().part(place), self._b.part(place))


class DomainData:
    """Two image sets in endless orders: of one order where they are paired, else of two that have nothing in common."""

    def __init__(self, a: ImageSet, b: ImageSet, *, paired: bool, seed: int, device: torch.device) -> None:
        self.a = ResidentData(a, seed=seed, device=device)
        other = seed if paired else seeds.derive(seed, "order of the other domain")
        self.b = ResidentData(b, seed=other, device=device)

    def batch(self, position: int, size: int) -> TwoKinds:
        """The `size` images of each kind from `position` (images of A seen) on."""
        return TwoKinds(self.a.batch(position, size), self.b.batch(position, size))
