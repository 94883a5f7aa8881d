"""Steps on paths between latents of a GAN, as an extractor sees both their ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.evaluation.extractors import FeatureExtractor
from elmyr.images import ImageSet
from elmyr.metrics.asked import STEP
from elmyr.tasks.gan.model import CHUNK, GAN

MOST = 1000  # paths


class Steps(NamedTuple):
    """The features (N, D) of the images at both ends of a step on each of N paths."""

    first: NDArray[np.float64]
    last: NDArray[np.float64]


def steps_of(gan: GAN, extractor: FeatureExtractor, reference: ImageSet) -> Steps:
    """Of up to 1,000 paths, each with a label of the real images, where the GAN has classes."""
    count = min(MOST, len(reference))
    labels = torch.from_numpy(reference.require_labels()[:count]) if gan.config.classes else None
    ends: tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]] = ([], [])
    for start in range(0, count, CHUNK):
        number, part = min(CHUNK, count - start), slice(start, start + CHUNK)
        random = seeds.generator(seeds.COMPARED, "paths", start)
        one, other = (gan.config.latents(number, random) for _ in range(2))
        other[:, : gan.config.code.entries] = one[:, : gan.config.code.entries]
        share = (1 - STEP) * torch.rand(number, 1, generator=random)
        for made, at in zip(ends, (share, share + STEP), strict=True):
            made.append(gan.make(along_arcs(one, other, at), None if labels is None else labels[part]))
    first, last = (extractor.features(ImageSet(np.concatenate(images), None)) for images in ends)
    return Steps(first, last)


def along_arcs(one: torch.Tensor, other: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Latents (N, K) on the great circles from the ones to the others, at shares (N, 1); lengths go on a line."""
    near, far = (ends.norm(dim=1, keepdim=True).clamp_min(1e-12) for ends in (one, other))
    start, end = one / near, other / far
    cosine = (start * end).sum(1, keepdim=True).clamp(-1, 1)
    across = end - cosine * start
    across = across / across.norm(dim=1, keepdim=True).clamp_min(1e-12)
    angle = share * torch.arccos(cosine)
    walked: torch.Tensor = torch.lerp(near, far, share) * (angle.cos() * start + angle.sin() * across)
    return walked
