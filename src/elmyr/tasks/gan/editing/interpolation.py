"""The walk from one generated image to another: through the latents on an arc, through the classes on a line.

Latents are near a sphere, as normal vectors of many entries are; a straight line between two of them passes through
its inside, where no latent was trained (White 2016, "Sampling Generative Networks").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from elmyr.core import seeds
from elmyr.core.errors import InputError
from elmyr.images import ImageSet
from elmyr.tasks.gan.model import CHUNK, GAN
from elmyr.tasks.gan.sampling.asked import in_shares

MOST_STEPS = CHUNK
PARALLEL = 1e-4  # sine of an angle below which an arc is a line


def between(
    gan: GAN,
    *,
    from_seed: int = 0,
    to_seed: int = 1,
    from_class: int | str | None = None,
    to_class: int | str | None = None,
    steps: int = 9,
) -> ImageSet:
    """`steps` images from one sample to another; the first and the last are `sample(1, seed=…, label=…)` of the ends.

    Latents turn from one to the other on a great circle, while their length changes evenly; a code and the vectors that
    stand for the classes go straight. In a network without such vectors the class changes half way. The labels are
    those of the nearer end. A class left out is the one that the sample of this seed has. InputError for an unknown
    class, and for fewer than 2 steps or more than 250.
    """
    if not 2 <= steps <= MOST_STEPS:
        raise InputError(f"{steps} steps are asked for: from 2, the two ends, to {MOST_STEPS}")
    config, share = gan.config, torch.linspace(0, 1, steps)
    first, last = (config.latents(CHUNK, seeds.generator(seed, "samples", 0))[0] for seed in (from_seed, to_seed))
    code = config.code.entries
    latents = torch.cat([_line(first[:code], last[:code], share), _arc(first[code:], last[code:], share)], 1)
    if not config.classes:
        for label in (from_class, to_class):
            if label is not None:
                raise InputError(
                    f"this GAN has no classes, so no label '{label}' can be asked of it: give seeds instead"
                )
        return ImageSet(_made(gan, latents, None), None, name="between")
    usual = int(in_shares(config.class_counts or [1] * len(config.classes), 1)[0])
    ends = [usual if label is None else gan.class_number(label) for label in (from_class, to_class)]
    labels = torch.tensor([ends[int(at > 0.5)] for at in share.tolist()])
    with _classes_on_a_line(gan.generator, len(config.classes), ends, share):
        images = _made(gan, latents, labels)
    return ImageSet(images, labels.numpy().astype(np.int64), config.classes, "between")


def _made(
    gan: GAN, latents: torch.Tensor, labels: torch.Tensor | None
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Padded to a chunk, as samples are: so the ends have the bits that they have there."""
    padded = torch.cat([latents, latents[-1:].expand(CHUNK - len(latents), -1)])
    more = None if labels is None else torch.cat([labels, labels[-1:].expand(CHUNK - len(labels))])
    return gan.make(padded, more)[: len(latents)]


def _line(first: torch.Tensor, last: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """From vector to vector (K,), at shares (N,): (N, K)."""
    return torch.lerp(first, last, share[:, None])


def _arc(first: torch.Tensor, last: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """The same on an arc, with lengths on a line; a line where both point the same way, or opposite ways."""
    lengths = first.norm(), last.norm()
    one, other = first / lengths[0].clamp_min(1e-12), last / lengths[1].clamp_min(1e-12)
    angle = torch.arccos((one @ other).clamp(-1, 1))
    if angle.sin() < PARALLEL:
        return _line(first, last, share)
    ahead = share[:, None] * angle
    directions = (torch.sin(angle - ahead) * one + torch.sin(ahead) * other) / angle.sin()
    walked: torch.Tensor = directions * _line(lengths[0][None], lengths[1][None], share)
    walked[0], walked[-1] = first, last  # to the bit
    return walked


@contextmanager
def _classes_on_a_line(generator: nn.Module, classes: int, ends: list[int], share: torch.Tensor) -> Iterator[None]:
    """Inside, whatever the generator looks up for a class is a mix of what the two ends have, image by image."""
    padded = torch.cat([share, share[-1:].expand(CHUNK - len(share))])

    def mixed(module: nn.Module, asked: object, found: torch.Tensor) -> torch.Tensor:
        assert isinstance(module, nn.Embedding)
        first, last = module.weight[ends]
        return _line(first, last, padded.to(found))

    tables = [
        module
        for module in generator.modules()
        if isinstance(module, nn.Embedding) and module.num_embeddings == classes
    ]
    hooks = [table.register_forward_hook(mixed) for table in tables]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
