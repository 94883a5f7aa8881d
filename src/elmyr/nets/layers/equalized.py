"""Layers with an equalized learning rate: weights start at N(0, 1) and are scaled when used (Karras et al. 2018).

So every weight has the same size, and Adam's steps mean the same for each; with the gain of √2 after LeakyReLU the
activations keep variance 1.
"""

from math import sqrt

import torch
from torch import nn
from torch.nn import functional as F

SLOPE = 0.2


def activated(x: torch.Tensor) -> torch.Tensor:
    """LeakyReLU 0.2, scaled to keep the variance; any shape."""
    return F.leaky_relu(x, SLOPE) * sqrt(2)


class EqualizedLinear(nn.Module):
    """A dense layer. With `speed` below 1 its weights learn that much slower, as in mapping networks."""

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, speed: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / speed)
        self.bias = nn.Parameter(torch.full((outputs,), bias / speed))
        self.gain, self.speed = speed / sqrt(inputs), speed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs) -> (N, outputs)."""
        return F.linear(x, self.weight * self.gain, self.bias * self.speed)


class EqualizedConvolution(nn.Module):
    """A convolution of stride 1 with an odd kernel that keeps the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain, self.padding = 1 / sqrt(inputs * kernel**2), kernel // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        return F.conv2d(x, self.weight * self.gain, self.bias, padding=self.padding)
