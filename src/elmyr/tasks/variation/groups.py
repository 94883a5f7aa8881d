"""Groups of images of one class: an image, and as many others of its class as variations are judged at once."""

from __future__ import annotations

import numpy as np
import torch

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.engine.data import ResidentData
from elmyr.engine.task import Batch
from elmyr.images import ImageSet

TOGETHER = 2  # images beside the one that they are of the class of
FEWEST = TOGETHER + 1  # images of a class that can teach


def teaching(images: ImageSet) -> ImageSet:
    """The images of classes that have enough of them to teach how they differ; InputError where none has."""
    labels = images.require_labels()
    enough = np.bincount(labels, minlength=len(images.classes)) >= FEWEST
    if not enough.any():
        raise InputError(f"no class of '{images.name}' has {FEWEST} images, to learn from how they differ: add some")
    return images if enough[labels].all() else images.take(np.flatnonzero(enough[labels]))


class GroupData:
    """Batches of groups: every image comes equally often first, the others of its group are drawn from its class.

    Which is a function of the seed and the position. The images of a group lie one behind the other in the channels:
    uint8 (N, 3 C, H, W). No image is twice in a group.
    """

    def __init__(self, images: ImageSet, *, seed: int, device: torch.device) -> None:
        self.data, self.channels = ResidentData(images, seed=seed, device=device), images.channels
        labels = images.require_labels()
        self._members = torch.from_numpy(np.argsort(labels, kind="stable"))  # of each class, one class after the other
        counts = np.bincount(labels, minlength=len(images.classes))
        starts = np.cumsum(counts) - counts
        rank = np.empty(len(labels), np.int64)
        rank[self._members.numpy()] = np.arange(len(labels)) - np.repeat(starts, counts)
        self._rank = torch.from_numpy(rank)
        self._start, self._count = (torch.from_numpy(of_class[labels]) for of_class in (starts, counts))

    def batch(self, position: int, size: int) -> Batch:
        """The `size` groups from `position` on."""
        first = self.data.order(position, size)
        count, rank = self._count[first], self._rank[first]
        random = seeds.generator(self.data.seed, "others of the class", position)
        chances = torch.rand((TOGETHER, size), generator=random, dtype=torch.float64)
        one = 1 + (chances[0] * (count - 1)).long()  # how far on in the class, around its end
        other = 1 + (chances[1] * (count - 2)).long()
        other += other >= one
        places = [first, *(self._members[self._start[first] + (rank + far) % count] for far in (one, other))]
        batches = [self.data.at(each) for each in places]
        return Batch(torch.cat([each.images for each in batches], 1), batches[0].labels)
