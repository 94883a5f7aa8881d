"""The residual generator and discriminator: small networks whose computing sits at low resolution.

After R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN!"): no normalization, residual blocks whose last
convolution starts at zero, and the class entering by an embedding (generator) and a projection (discriminator, Miyato
and Koyama 2018).
"""

from itertools import pairwise

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import ClassEmbedding, Discriminator, ProjectionHead, flattened, indifferent_vectors
from elmyr.nets.layers.to_pixels import ConvToPixels, ConvTransposeToPixels
from elmyr.nets.pairs.pair import BlocksConfig, Pair, Shape

SLOPE = 0.2


class ResidualConfig(BlocksConfig):
    """Of the residual pair."""

    doublings: int = Field(1, ge=0, le=8, description="how often the channels double from a level to the next below")


def pyramid(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of the feature maps, each half of the one before, rounded up; the last has 4 to 7 rows or columns.

    From 16 pixels on the first map is half the image's size already: a stride-2 stem.
    """
    sizes = [((height + 1) // 2, (width + 1) // 2) if _has_strided_stem(height, width) else (height, width)]
    while min(sizes[-1]) > 7:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def _has_strided_stem(height: int, width: int) -> bool:
    return min(height, width) >= 16


def _channels(levels: int, config: ResidualConfig) -> list[int]:
    """Channels of each level of the pyramid: doubled so often below the first, once as a rule, then constant."""
    return [config.base * 2 ** min(level, config.doublings) for level in range(levels)]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, LeakyReLU before each, the second zero at the start, beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]  # Conv2d types its bias as optional

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        h: torch.Tensor = self.first(F.leaky_relu(x, SLOPE))
        h = self.second(F.leaky_relu(h, SLOPE))
        return x + h


class ResidualDiscriminator(Discriminator):
    """Images to one logit each: high for real. With classes, the logit is that of "a real image of this class"."""

    def __init__(self, shape: Shape, classes: int, config: ResidualConfig) -> None:
        super().__init__()
        (channels, height, width), base = shape, config.base
        self.image_size = height, width
        sizes = pyramid(height, width)
        widths = _channels(len(sizes), config)
        self.stem = (
            nn.Conv2d(channels, base, 4, stride=2, padding=1)
            if _has_strided_stem(height, width)
            else nn.Conv2d(channels, base, 3, padding=1)
        )
        self.levels = nn.ModuleList(nn.Sequential(*(ResidualBlock(c) for _ in range(config.blocks))) for c in widths)
        self.widenings = nn.ModuleList(nn.Conv2d(a, b, 1) if a != b else nn.Identity() for a, b in pairwise(widths))
        self.width = widths[-1]
        self.dense = nn.Linear(widths[-1] * sizes[-1][0] * sizes[-1][1], self.width)
        self.head = ProjectionHead(nn.Linear(self.width, 1), indifferent_vectors(classes, self.width))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        height, width = self.image_size
        x = self.stem(F.pad(images, (0, width % 2, 0, height % 2)) if self.stem.stride != (1, 1) else images)
        x = self.levels[0](x)
        for widening, level in zip(self.widenings, list(self.levels)[1:], strict=True):
            # The 1x1 convolution commutes with the average and costs a quarter after it.
            x = level(widening(F.avg_pool2d(x, 2, ceil_mode=True)))
        return F.leaky_relu(self.dense(flattened(F.leaky_relu(x, SLOPE))), SLOPE)


class ResidualGenerator(nn.Module):
    """Latents (and classes) to images: the discriminator's mirror."""

    def __init__(self, shape: Shape, classes: int, config: ResidualConfig) -> None:
        super().__init__()
        (channels, height, width), base, latent = shape, config.base, config.latent
        embedding = config.embedding if classes else 0
        self.latent = latent
        self.image_size = height, width
        self.sizes = pyramid(height, width)[::-1]
        widths = _channels(len(self.sizes), config)[::-1]
        self.class_embedding = ClassEmbedding(classes, embedding) if classes else None
        self.root = nn.Linear(latent + embedding, widths[0] * self.sizes[0][0] * self.sizes[0][1])
        self.levels = nn.ModuleList(nn.Sequential(*(ResidualBlock(c) for _ in range(config.blocks))) for c in widths)
        self.narrowings = nn.ModuleList(nn.Conv2d(a, b, 1) if a != b else nn.Identity() for a, b in pairwise(widths))
        strided = _has_strided_stem(height, width)
        self.head = ConvTransposeToPixels(base, channels) if strided else ConvToPixels(base, channels)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W), about [-1, 1]."""
        if self.class_embedding is not None:
            latents = torch.cat([latents, self.class_embedding(labels)], 1)
        x = self.root(latents).unflatten(1, (-1, *self.sizes[0]))
        x = self.levels[0](x.contiguous(memory_format=torch.channels_last))
        for size, narrowing, level in zip(self.sizes[1:], self.narrowings, list(self.levels)[1:], strict=True):
            # The 1x1 convolution commutes with nearest upsampling and costs a quarter before it.
            x = level(F.interpolate(narrowing(x), size=size, mode="nearest"))
        height, width = self.image_size
        images: torch.Tensor = self.head(F.leaky_relu(x, SLOPE))
        return images[:, :, :height, :width]


def residual_pair(
    shape: Shape, classes: int, config: ResidualConfig
) -> tuple[ResidualGenerator, ResidualDiscriminator]:
    """The generator and the discriminator for images of one shape; `classes` 0 for an unconditional pair."""
    return ResidualGenerator(shape, classes, config), ResidualDiscriminator(shape, classes, config)


PAIR = Pair(residual_pair, ResidualConfig, has_features=True)
