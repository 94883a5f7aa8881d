"""A discriminator of strided convolutions: four of the articles' five systems judge with one."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import Discriminator, ProjectionHead, flattened, indifferent_vectors, start_as_keras
from elmyr.nets.pairs.pair import Shape


class StridedDiscriminator(Discriminator):
    """Images to one logit each: convolutions of stride 2, LeakyReLU after each, then one dense layer.

    A kernel of 5 leaves half the size, rounded up; one of 4 half of it, rounded down. No layer looks at other images
    of the batch.
    """

    def __init__(
        self,
        shape: Shape,
        classes: int,
        widths: Sequence[int],
        *,
        kernel: int,
        slope: float,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.slope = slope
        channels, height, width = shape
        padding = (kernel - 1) // 2
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, kernel, stride=2, padding=padding) for a, b in pairwise([channels, *widths])
        )
        for _ in widths:
            height, width = ((side + 2 * padding - kernel) // 2 + 1 for side in (height, width))
        self.width = widths[-1] * height * width
        self.head = ProjectionHead(nn.Linear(self.width, 1, bias=bias), indifferent_vectors(classes, self.width))
        start_as_keras(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        x = images
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), self.slope)
        return flattened(x)
