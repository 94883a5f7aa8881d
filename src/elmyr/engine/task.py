"""The seam between what is trained and the loop that trains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from elmyr.core import machine

Scalars = dict[str, torch.Tensor]  # what an update tells for the log, by name, on the device


class Unread(Protocol):
    """The images of a batch, of which those are read that somebody asks for."""

    def __len__(self) -> int: ...

    def read(self, places: torch.Tensor) -> torch.Tensor:
        """Those at some places of the batch, int64 (n,) on the CPU: uint8 (n, C, H, W) channels-last, on the device."""
        ...


class Batch:
    """A batch of the order, on the device: images uint8 (N, C, H, W) channels-last, labels int64 (N,) or None.

    A process that asks for its `part` reads no more than that. targets: where labels are not sure, what takes their
    place: probabilities float (N, K) of the classes.
    """

    def __init__(
        self, images: torch.Tensor | Unread, labels: torch.Tensor | None, *, targets: torch.Tensor | None = None
    ) -> None:
        self._images, self.labels, self.targets = images, labels, targets

    def __len__(self) -> int:
        return len(self._images)

    @property
    def images(self) -> torch.Tensor:
        """All of its images."""
        if not isinstance(self._images, torch.Tensor):
            self._images = self._images.read(torch.arange(len(self._images)))
        return self._images

    def images_at(self, places: torch.Tensor) -> torch.Tensor:
        """Its images at some places, int64 (n,) on the CPU: uint8 (n, C, H, W) channels-last."""
        if isinstance(self._images, torch.Tensor):
            return self._images[machine.to_device(places, self._images.device)]
        return self._images.read(places)

    def part(self, place: slice) -> Batch:
        """The batch of the images from a place on up to another, and of what belongs to them."""
        if place == slice(0, len(self)) or isinstance(self._images, torch.Tensor):
            images = self.images[place]
        else:
            images = self._images.read(torch.arange(len(self))[place])
        labels, targets = (None if each is None else each[place] for each in (self.labels, self.targets))
        return Batch(images, labels, targets=targets)


class BatchSource(Protocol):
    """What batches come from: a function of the position."""

    def batch(self, position: int, size: int) -> Batch:
        """The `size` images from `position` (images seen) on."""
        ...


class Task(Protocol):
    """What can be trained. The loop gives it batches and positions (images seen) and keeps its state safe."""

    @property
    def remedy(self) -> str:
        """What to try where its numbers went bad again and again."""
        ...

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The networks, by name."""
        ...

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """The optimizers, by name."""
        ...

    def update(self, batch: Batch, position: int) -> Scalars:
        """One update of everything on one batch; returns scalars to log, left on the device."""
        ...

    def preview(self, position: int) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        """A picture (H, W, C) of where the training stands, or None."""
        ...


class Watcher(Protocol):
    """What looks at a training while it goes on. The loop keeps its state with the task's."""

    @property
    def figure(self) -> float | None:
        """How good the task was at the last look, low is good; None before one."""
        ...

    def look(self, position: int) -> Mapping[str, Any]:
        """Looks at the task after so many images seen; returns JSON values for the log."""
        ...

    def state(self) -> dict[str, Any]:
        """What a resumed run must know, as JSON values."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to such a state."""
        ...
