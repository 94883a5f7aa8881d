"""A generator of dense layers only: three of the articles' five systems draw with one."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import LabeledLatents, start_as_keras
from elmyr.nets.pairs.pair import Shape, SizedConfig


class DenseGenerator(nn.Module):
    """Latents (and classes) to images by dense layers of the given widths, LeakyReLU after each, tanh after the last.

    `slope` 0 is ReLU. `sharpness` multiplies what the tanh sees: with 1/2 the image is the sigmoid's, moved from
    [0, 1] to [-1, 1], because 2 sigmoid(x) - 1 = tanh(x / 2).
    """

    def __init__(
        self,
        shape: Shape,
        classes: int,
        widths: Sequence[int],
        *,
        config: SizedConfig,
        slope: float,
        sharpness: float = 1.0,
    ) -> None:
        super().__init__()
        self.shape, self.slope, self.sharpness = shape, slope, sharpness
        self.input = LabeledLatents(config.latent, classes, config.embedding)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([self.input.entries, *widths]))
        self.pixels = nn.Linear(widths[-1], prod(shape))
        start_as_keras(self)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) and labels int64 (N,), None without classes -> images (N, C, H, W) in [-1, 1]."""
        x = self.input(latents, labels)
        for layer in self.hidden:
            x = F.leaky_relu(layer(x), self.slope)
        return torch.tanh(self.sharpness * self.pixels(x)).reshape(-1, *self.shape)
