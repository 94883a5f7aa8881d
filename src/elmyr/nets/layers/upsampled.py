"""A nearest-neighbor doubling and the 3x3 convolution after it, as one transposed convolution of 4/9 of the cost.

Each pixel of the doubled map repeats one of the small map, so that several weights of the 3x3 kernel meet the same
pixel: they are added up first, to a 4x4 kernel of stride 2 (as StyleGAN's fused upsampling does with its filters).
"""

import torch
from torch import nn
from torch.nn import functional as F


class UpsampledConv2d(nn.Conv2d):
    """A 3x3 convolution, padded by 1, of the input doubled by nearest neighbors: (N, I, H, W) -> (N, O, 2H, 2W).

    Its weight is that of a `Conv2d(inputs, outputs, 3, padding=1)` after `Upsample(scale_factor=2)`, and so is what it
    computes, up to rounding.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = False) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, I, H, W) -> (N, O, 2H, 2W)."""
        padded = F.pad(self.weight, (1, 1, 1, 1))
        summed = padded[..., 1:, :] + padded[..., :-1, :]
        summed = summed[..., 1:] + summed[..., :-1]
        return F.conv_transpose2d(x, summed.flip(2, 3).transpose(0, 1), self.bias, stride=2, padding=1)
