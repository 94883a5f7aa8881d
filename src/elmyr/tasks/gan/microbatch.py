"""Gradient accumulation: a batch in parts that a device has room for, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch

from elmyr.engine.task import Batch


@dataclass
class Microbatch:
    """The images of a batch that pass the networks at once, and what became of them in this update."""

    place: slice  # in the batch
    weight: float  # its share of this process's images
    images: torch.Tensor  # real ones, uint8 (n, C, H, W)
    labels: torch.Tensor | None  # int64 (n,)
    latents: torch.Tensor  # (at least n, latent): those of the part, and what fills up the last update of a budget
    asked: torch.Tensor | None  # int64, the labels that go with the latents
    fake: torch.Tensor | None = None  # (n, C, H, W)
    real_logits: torch.Tensor | None = None  # (n,), without a graph, as are these:
    fake_logits: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)


def places(share: slice, most: int) -> list[slice]:
    """A process's share of a batch in the fewest parts of at most `most` images, as even as can be."""
    images = share.stop - share.start
    count = -(-images // most)
    bounds = [share.start + images * number // count for number in range(count + 1)]
    return [slice(*pair) for pair in pairwise(bounds)]


def parts_of(batch: Batch, latents: torch.Tensor, *, share: slice, most: int, labeled: bool = True) -> list[Microbatch]:
    """The parts of a process's share of a batch; `latents` (B, latent) are those of a whole batch.

    labeled: whether labels are told, where there are some.

    Where the batch is not whole, as the last one of a budget may be, each part's latents are made up to `most`, for the
    statistics that a generator may take of them.
    """
    labels = batch.labels if labeled else None
    images, parts = batch.part(share).images, []
    for place in places(share, most):
        size = place.stop - place.start if len(batch) == len(latents) else most
        rows = torch.arange(place.start, place.start + size, device=latents.device) % len(latents)
        parts.append(
            Microbatch(
                place,
                (place.stop - place.start) / (share.stop - share.start),
                images[place.start - share.start : place.stop - share.start],
                None if labels is None else labels[place],
                latents[rows],
                None if labels is None else labels[rows % len(batch)],
            )
        )
    return parts


def logits_of(parts: list[Microbatch]) -> tuple[torch.Tensor, torch.Tensor]:
    """The discriminator's logits of the real and of the generated images of all parts."""
    real = [part.real_logits for part in parts if part.real_logits is not None]
    fake = [part.fake_logits for part in parts if part.fake_logits is not None]
    return torch.cat(real), torch.cat(fake)
