"""How a recognizer's batches are shown: each image changed by a policy, and pairs of them mixed where asked."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from elmyr.core import machine, seeds
from elmyr.engine.task import Batch
from elmyr.losses.policies import NONE, policy_of
from elmyr.losses.policies.mixing import DRAWS, MIXINGS
from elmyr.tasks.gan.model import to_unit


@dataclass(frozen=True)
class Augmenting:
    """A policy of `elmyr.losses.policies`, and a mixing of pairs, both by their names."""

    augment: str = NONE
    mixing: str = NONE

    def shown(
        self, batch: Batch, share: slice, *, seed: int, position: int, classes: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A share of a labeled batch: images (n, C, H, W) in [-1, 1], and labels int64 (n,).

        Of mixed pairs the labels are how much of each of the `classes` an image shows, float (n, classes), as the
        batch's targets are, where it has some. An image's partner is drawn from the whole batch, and changed in its own
        way.
        """
        assert batch.labels is not None
        images = self._changed(batch.part(share).images, share, len(batch), seed, "augmentation", position)
        if self.mixing == NONE:
            return images, (batch.labels if batch.targets is None else batch.targets)[share]
        random, device = seeds.generator(seed, "mixing", position), images.device
        partners = torch.randperm(len(batch), generator=random)[share]
        draws = machine.to_device(seeds.uniform((DRAWS, len(batch)), random)[:, share], device).to(images.dtype)
        shown = batch.images_at(partners)
        others = self._changed(shown, share, len(batch), seed, "augmentation, partners", position)
        mixed, own = MIXINGS[self.mixing](images, others, draws.view(DRAWS, -1, 1, 1, 1))
        known = F.one_hot(batch.labels, classes) if batch.targets is None else batch.targets
        first, second = (known[place].to(own.dtype) for place in (share, machine.to_device(partners, device)))
        return mixed, own.flatten(1) * first + (1 - own.flatten(1)) * second

    def _changed(
        self, images: torch.Tensor, share: slice, whole: int, seed: int, stream: str, position: int
    ) -> torch.Tensor:
        if self.augment == NONE:
            return to_unit(images)
        return policy_of(self.augment)(to_unit(images), seeds.for_part(seed, stream, position, (share, whole)))
