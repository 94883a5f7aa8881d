"""Convolutions from many channels to the few of an image, as a matrix product at each place and a sum of what overlaps.

A CPU's convolution works on sixteen output channels at a time, so that one costs as much as sixteen. Here the taps of
the kernel are the output channels of a 1x1 convolution, and `fold` adds them up where they belong: the same function of
the same weights, for less. On a GPU, which has no such loss and whose `fold` goes image by image when differentiated,
it is computed as it is written.
"""

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.core import machine

MOST_CHANNELS = 3  # with more, the taps are more than a convolution loses


class ConvToPixels(nn.Conv2d):
    """A 3x3 convolution that keeps the size: (N, I, H, W) -> (N, C, H, W)."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(inputs, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, I, H, W) -> (N, C, H, W)."""
        # Looking around a pixel is spreading to the pixels around by the turned kernel.
        return _spread(x, self.weight.flip(2, 3).transpose(0, 1), self.bias, stride=1, padding=1)


class ConvTransposeToPixels(nn.ConvTranspose2d):
    """A 4x4 transposed convolution of stride 2 that doubles the size: (N, I, H, W) -> (N, C, 2H, 2W)."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(inputs, channels, 4, stride=2, padding=1)

    def forward(self, x: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """(N, I, H, W) -> (N, C, 2H, 2W)."""
        assert output_size is None, "the size follows from the input"
        return _spread(x, self.weight, self.bias, stride=2, padding=1)


def _spread(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, *, stride: int, padding: int
) -> torch.Tensor:
    """A transposed convolution with a weight (I, C, k, k), whose sums are taken, and given, in at least fp32."""
    compute = sum_of_taps if x.device.type == "cpu" and weight.shape[1] <= MOST_CHANNELS else as_written
    return compute(x, weight, bias, stride, padding)


def sum_of_taps(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, stride: int, padding: int
) -> torch.Tensor:
    """As a 1x1 convolution and a sum."""
    kernel = weight.shape[2]
    taps = F.conv2d(x, weight.flatten(1).T[:, :, None, None]).flatten(2)
    height, width = ((side - 1) * stride + kernel - 2 * padding for side in x.shape[2:])
    # The sum is taken in at least fp32: under autocast the taps are bf16.
    taps = taps.to(torch.promote_types(taps.dtype, torch.float32))
    images = F.fold(taps, (height, width), kernel, padding=padding, stride=stride)
    return images if bias is None else images + bias[:, None, None]


def as_written(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, stride: int, padding: int
) -> torch.Tensor:
    """As one operation, outside mixed precision: an image is not to be rounded to the 256 steps of bf16."""
    with machine.autocast(x.device, "fp32"):
        return F.conv_transpose2d(x.to(weight.dtype), weight, bias, stride=stride, padding=padding)
