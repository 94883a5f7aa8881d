"""Inception v3 as the Fréchet Inception Distance has it (Szegedy et al. 2016; Heusel et al. 2017).

The weights of 2015 came from TensorFlow, whose average pooling leaves padding out of its means, and whose last block
pools by the maximum. Names of weights are those of pytorch-fid and torch-fidelity.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES, FEATURES = 1008, 2048

_mean_around = partial(functional.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
_most_around = partial(functional.max_pool2d, kernel_size=3, stride=1, padding=1)
_halved = partial(functional.max_pool2d, kernel_size=3, stride=2)


class Convolution(nn.Module):
    """A convolution, its batch norm and ReLU; padded so that the size stays, unless `stride` is 2 or `padded` False."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int], *, stride: int = 1, padded: bool = True
    ):
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if padded and stride == 1 else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, outputs, …), none below 0."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


def _chain(x: Tensor, layers: Sequence[nn.Module]) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


class MixedA(nn.Module):
    """35x35: branches of 1x1, 5x5 and twice 3x3."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Convolution(inputs, 64, 1)
        self.branch5x5_1 = Convolution(inputs, 48, 1)
        self.branch5x5_2 = Convolution(48, 64, 5)
        self.branch3x3dbl_1 = Convolution(inputs, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3)
        self.branch3x3dbl_3 = Convolution(96, 96, 3)
        self.branch_pool = Convolution(inputs, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 224 + pooled, 35, 35)."""
        five = _chain(x, [self.branch5x5_1, self.branch5x5_2])
        double = _chain(x, [self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3])
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(_mean_around(x))], 1)


class MixedB(nn.Module):
    """35x35 to 17x17."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = Convolution(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = Convolution(inputs, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, inputs + 480, 17, 17)."""
        double = _chain(x, [self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3])
        return torch.cat([self.branch3x3(x), double, _halved(x)], 1)


class MixedC(nn.Module):
    """17x17: branches of 1x1, and of 7x7 in rows and columns. middle: the channels between these."""

    def __init__(self, middle: int) -> None:
        super().__init__()
        row, column = (1, 7), (7, 1)
        self.branch1x1 = Convolution(768, 192, 1)
        self.branch7x7_1 = Convolution(768, middle, 1)
        self.branch7x7_2 = Convolution(middle, middle, row)
        self.branch7x7_3 = Convolution(middle, 192, column)
        self.branch7x7dbl_1 = Convolution(768, middle, 1)
        self.branch7x7dbl_2 = Convolution(middle, middle, column)
        self.branch7x7dbl_3 = Convolution(middle, middle, row)
        self.branch7x7dbl_4 = Convolution(middle, middle, column)
        self.branch7x7dbl_5 = Convolution(middle, 192, row)
        self.branch_pool = Convolution(768, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 768, 17, 17)."""
        seven = _chain(x, [self.branch7x7_1, self.branch7x7_2, self.branch7x7_3])
        doubles = self.branch7x7dbl_2, self.branch7x7dbl_3, self.branch7x7dbl_4, self.branch7x7dbl_5
        double = _chain(self.branch7x7dbl_1(x), doubles)
        return torch.cat([self.branch1x1(x), seven, double, self.branch_pool(_mean_around(x))], 1)


class MixedD(nn.Module):
    """17x17 to 8x8."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = Convolution(768, 192, 1)
        self.branch3x3_2 = Convolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Convolution(768, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1))
        self.branch7x7x3_4 = Convolution(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 1280, 8, 8)."""
        three = _chain(x, [self.branch3x3_1, self.branch3x3_2])
        seven = _chain(x, [self.branch7x7x3_1, self.branch7x7x3_2, self.branch7x7x3_3, self.branch7x7x3_4])
        return torch.cat([three, seven, _halved(x)], 1)


class MixedE(nn.Module):
    """8x8: branches of 1x1, and of 3x3 in rows beside columns. last: whether it pools by the maximum."""

    def __init__(self, inputs: int, *, last: bool) -> None:
        super().__init__()
        self.around = _most_around if last else _mean_around
        row, column = (1, 3), (3, 1)
        self.branch1x1 = Convolution(inputs, 320, 1)
        self.branch3x3_1 = Convolution(inputs, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, row)
        self.branch3x3_2b = Convolution(384, 384, column)
        self.branch3x3dbl_1 = Convolution(inputs, 448, 1)
        self.branch3x3dbl_2 = Convolution(448, 384, 3)
        self.branch3x3dbl_3a = Convolution(384, 384, row)
        self.branch3x3dbl_3b = Convolution(384, 384, column)
        self.branch_pool = Convolution(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, 2048, 8, 8)."""
        three = self.branch3x3_1(x)
        double = _chain(x, [self.branch3x3dbl_1, self.branch3x3dbl_2])
        branches = [self.branch1x1(x), self.branch3x3_2a(three), self.branch3x3_2b(three)]
        branches += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([*branches, self.branch_pool(self.around(x))], 1)


class FidInception(nn.Module):
    """From images float (N, 3, 299, 299) in [-1, 1] to the 2,048 features of the Fréchet Inception Distance.

    `fc` is the layer of classes that the published weights have too; no feature passes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3, padded=False)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = MixedA(192, 32), MixedA(256, 64), MixedA(288, 64)
        self.Mixed_6a = MixedB(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = map(MixedC, (128, 160, 160, 192))
        self.Mixed_7a = MixedD()
        self.Mixed_7b, self.Mixed_7c = MixedE(1280, last=False), MixedE(2048, last=True)
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, 2048)."""
        x = _halved(_chain(images, [self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3]))
        x = _halved(_chain(x, [self.Conv2d_3b_1x1, self.Conv2d_4a_3x3]))
        x = _chain(x, [self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a])
        x = _chain(x, [self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e])
        x = _chain(x, [self.Mixed_7a, self.Mixed_7b, self.Mixed_7c])
        return x.mean((2, 3))
