"""StyleGAN2's pair in plain PyTorch (Karras et al. 2020): the discriminator, and both together.

The discriminator is residual, halves the size block by block, and sees before its last layers how much the images of a
group differ. In place of the paper's blur [1, 3, 3, 1] before each halving stands the mean of 2x2 places, and the
convolution after it works at the half size, a fourth as dear. Sides that are multiples of 4.
"""

from itertools import pairwise
from math import sqrt

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.equalized import EqualizedConvolution, EqualizedLinear, activated
from elmyr.nets.layers.parts import (
    Discriminator,
    ProjectionHead,
    doubled_widths,
    flattened,
    halvings,
    indifferent_vectors,
    require_size,
)
from elmyr.nets.pairs.pair import BlocksConfig, Pair, Shape
from elmyr.nets.pairs.style_generator import SMALLEST, StyleGenerator

GROUP = 4
FORGETTING = 0.01


class GroupDeviation(nn.Module):
    """Adds a map with the mean standard deviation over a group of images (Karras et al. 2018): it shows a collapse.

    In training a group is the next 4 images. Batches are multiples of 4 (`batch_multiple`), so that no group holds real
    and generated images where as many of both come in one; the last few images of a budget may be no multiple. In eval
    mode the map holds the training groups' running mean instead, so that an image's logit does not depend on the images
    beside it.
    """

    usual: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("usual", torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C + 1, H, W)."""
        deviations = self._deviations(x.float()) if self.training else self.usual.expand(x.shape[0])
        added = deviations.to(x.dtype)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        return torch.cat([x, added], 1)

    def _deviations(self, x: torch.Tensor) -> torch.Tensor:
        size = GROUP if len(x) % GROUP == 0 else 1
        groups = x.reshape(-1, size, *x.shape[1:])
        deviations = (groups.var(1, correction=0) + SMALLEST).sqrt().mean((1, 2, 3))
        with torch.no_grad():
            self.usual.lerp_(deviations.mean(), FORGETTING)
        result: torch.Tensor = deviations.repeat_interleave(size)
        return result


class HalvingBlock(nn.Module):
    """`blocks` convolutions, the mean of 2x2 places and one more convolution, beside a shortcut; scaled by 1/√2."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.before = nn.ModuleList(EqualizedConvolution(inputs, inputs, 3) for _ in range(blocks))
        self.after = EqualizedConvolution(inputs, outputs, 3)
        self.shortcut = EqualizedConvolution(inputs, outputs, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, H/2, W/2)."""
        h = x
        for convolution in self.before:
            h = activated(convolution(h))
        h = activated(self.after(F.avg_pool2d(h, 2)))
        result: torch.Tensor = (self.shortcut(F.avg_pool2d(x, 2)) + h) * sqrt(0.5)
        return result


class StyleDiscriminator(Discriminator):
    """Images to one logit each. With classes, the logit is that of "a real image of this class".

    In training an image's logit depends a little on its group (`GroupDeviation`); in eval mode on the image alone.
    """

    batch_multiple = GROUP

    def __init__(self, shape: Shape, classes: int, config: BlocksConfig) -> None:
        super().__init__()
        (channels, *size), base = shape, config.base
        sizes = halvings(*size)
        widths = doubled_widths(len(sizes), base)
        self.width = widths[-1]
        self.from_image = EqualizedConvolution(channels, base, 1)
        self.halvings = nn.Sequential(*(HalvingBlock(a, b, config.blocks) for a, b in pairwise(widths)))
        self.deviation = GroupDeviation()
        self.last = EqualizedConvolution(self.width + 1, self.width, 3)
        self.dense = EqualizedLinear(self.width * sizes[-1][0] * sizes[-1][1], self.width)
        vectors = indifferent_vectors(classes, self.width)
        self.head = ProjectionHead(EqualizedLinear(self.width, 1), vectors, scale=1 / sqrt(self.width))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        x = self.halvings(activated(self.from_image(images)))
        x = activated(self.last(self.deviation(x)))
        return activated(self.dense(flattened(x)))


def style_pair(shape: Shape, classes: int, config: BlocksConfig) -> tuple[StyleGenerator, StyleDiscriminator]:
    """The pair: `base` is the width of the maps at full size, doubled at each halving up to four times.

    `blocks` are the convolutions at each size besides the one that doubles or halves it: the paper's is 1. The style
    has as many entries as the latent.
    Raises InputError for sides that are no multiples of 4.
    """
    require_size("style", *shape[1:], multiple=4, least=8)
    return StyleGenerator(shape, classes, config), StyleDiscriminator(shape, classes, config)


PAIR = Pair(style_pair, BlocksConfig, has_features=True)
