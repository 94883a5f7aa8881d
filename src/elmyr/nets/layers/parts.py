"""What several pairs of networks share: how the class enters, which sizes a network takes, how weights start."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from elmyr.core.errors import InputError


class ClassEmbedding(nn.Embedding):
    """A vector a class; `strength` says how much of it counts: 0 is nothing, as without classes."""

    strength = 1.0

    def forward(self, labels: torch.Tensor) -> torch.Tensor:
        """Labels int64 (N,) -> vectors (N, entries)."""
        vectors = super().forward(labels)
        return vectors if self.strength == 1 else self.strength * vectors


def class_embeddings(net: nn.Module) -> list[ClassEmbedding]:
    """All of a network."""
    return [module for module in net.modules() if isinstance(module, ClassEmbedding)]


def let_classes_count(net: nn.Module, strength: float) -> None:
    """Says how much of the class a network hears from now on, from 0 to 1."""
    for embedding in class_embeddings(net):
        embedding.strength = strength


class LabeledLatents(nn.Module):
    """The latent with an embedding of the class beside it (Mirza and Osindero 2014); itself, without classes."""

    def __init__(self, latent: int, classes: int, embedding: int) -> None:
        super().__init__()
        self.embedding = ClassEmbedding(classes, embedding) if classes else None
        self.entries = latent + (embedding if classes else 0)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> (N, entries)."""
        return latents if self.embedding is None else torch.cat([latents, self.embedding(labels)], 1)


class ProjectionHead(nn.Module):
    """Features to one logit: a linear layer, and with classes the inner product with a vector of the class.

    Miyato and Koyama 2018, "cGANs with projection discriminator". `scale` is that of the inner product.
    """

    def __init__(self, linear: nn.Module, class_vectors: nn.Module | None, *, scale: float = 1.0) -> None:
        super().__init__()
        self.linear, self.class_vectors, self.scale = linear, class_vectors, scale

    def forward(self, features: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Features (N, features) and labels int64 (N,), None without classes -> logits (N,)."""
        logits: torch.Tensor = self.linear(features).squeeze(1)
        if self.class_vectors is not None:
            logits = logits + self.scale * (features * self.class_vectors(labels)).sum(1)
        return logits


def indifferent_vectors(classes: int, features: int) -> ClassEmbedding | None:
    """A vector a class, zero at the start: at first the class does not count. None without classes."""
    return ClassEmbedding(classes, features, _weight=torch.zeros(classes, features)) if classes else None


class Discriminator(nn.Module):
    """Images to one logit each, by features that others may read too: the class, the latent's code.

    Its own `__init__` sets the two attributes; `features` is its network up to the head.
    """

    head: ProjectionHead
    width: int  # entries of the features

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        raise NotImplementedError

    def look(self, images: torch.Tensor, labels: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (N, C, H, W) in [-1, 1] and labels int64 (N,), None without classes -> logits (N,), their features."""
        features = self.features(images)
        logits: torch.Tensor = self.head(features, labels)
        return logits, features

    def forward(self, images: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """As `look`, the logits alone."""
        return self.look(images, labels)[0]


def require_size(name: str, height: int, width: int, *, multiple: int, least: int) -> None:
    """Raises InputError where a side is not a multiple of `multiple`, or less than `least`."""
    wrong = [side for side in (height, width) if side % multiple or side < least]
    if wrong:
        nearest = max(least, round(wrong[0] / multiple) * multiple)
        raise InputError(
            f"network '{name}' takes sides that are multiples of {multiple} from {least} on, not {height}x{width}: "
            f"pass --size {nearest}, or take network 'residual', which takes any"
        )


def check_batch(net: nn.Module, batch: int) -> None:
    """Raises InputError for a batch that a network cannot be trained with: `batch_multiple` says what it takes."""
    if any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in net.modules()) and batch < 2:
        raise InputError(
            "the network normalizes over the batch: it gets 1 image at once (batch, microbatch), take 2 or more"
        )
    multiple = int(getattr(net, "batch_multiple", 1))
    if batch % multiple:
        raise InputError(
            f"the network compares images in groups of {multiple}: it gets {batch} at once (batch, microbatch), "
            "take a multiple"
        )


def halvings(height: int, width: int) -> list[tuple[int, int]]:
    """The sizes from (height, width) down, each half of the one before, while both halves are whole and at least 4."""
    sizes = [(height, width)]
    while min(sizes[-1]) >= 8 and not any(side % 2 for side in sizes[-1]):
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    return sizes


def doubled_widths(levels: int, base: int) -> list[int]:
    """Channels of each level from the full size down: doubled at each halving of the size, up to four times `base`."""
    return [base * min(2**level, 4) for level in range(levels)]


def start_as_keras(net: nn.Module) -> None:
    """Sets every dense and convolution weight to Keras's start: uniform after Glorot and Bengio 2010, no bias."""
    for module in net.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def flattened(maps: torch.Tensor) -> torch.Tensor:
    """Maps (N, C, H, W) -> (N, C H W); their gradient comes back channels-last, as the layers before take it.

    That of torch's own `flatten` lies in planes: a LeakyReLU before it, whose maps are channels-last, is then
    differentiated twenty times as slowly, and a convolution has to turn it first.
    """
    rows: torch.Tensor = _Flattened.apply(maps)  # type: ignore[no-untyped-call]  # torch's own
    return rows


class _Flattened(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: torch.Tensor) -> torch.Tensor:
        ctx.shape = maps.shape
        return maps.flatten(1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient.reshape(ctx.shape).contiguous(memory_format=torch.channels_last)
