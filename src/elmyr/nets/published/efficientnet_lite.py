"""EfficientNet-Lite0 (Tan & Le 2019, without its squeeze-and-excitation), with the names of the ported weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES = (  # blocks, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, FEATURES, CLASSES = 32, 1280, 1000


class SamePadded(nn.Conv2d):
    """A convolution that pads as TensorFlow's SAME: the odd row and column below and at the right."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Of a stride of 2 half the size, rounded up."""
        size, step = self.kernel_size[0], self.stride[0]
        missing = [max((-(-side // step) - 1) * step + size - side, 0) for side in (input.shape[3], input.shape[2])]
        padding = [part for each in missing for part in (each // 2, each - each // 2)]
        return super().forward(functional.pad(input, padding))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class InvertedBottleneck(nn.Module):
    """Channels are widened, convolved one by one, and narrowed again; the result is added to what came in, if alike."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv, self._bn0 = SamePadded(inputs, wide, 1), _norm(wide)
        self._depthwise_conv, self._bn1 = SamePadded(wide, wide, kernel, stride=stride, groups=wide), _norm(wide)
        self._project_conv, self._bn2 = SamePadded(wide, outputs, 1), _norm(outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, outputs, H / stride, W / stride)."""
        made = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        made = functional.relu6(self._bn1(self._depthwise_conv(made)))
        narrow: Tensor = self._bn2(self._project_conv(made))
        return narrow + x if self.adds else narrow


class EfficientNetLite0(nn.Module):
    """From images float (N, 3, 224, 224) in about [-1, 1] to the 1,280 features before the layer of classes.

    `_fc` is that layer, which the published weights have too; no feature passes it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SamePadded(3, STEM, 3, stride=2), _norm(STEM)
        blocks, inputs = list[nn.Module](), STEM
        for count, kernel, stride, expansion, outputs in STAGES:
            for place in range(count):
                blocks.append(InvertedBottleneck(inputs, outputs, kernel, 1 if place else stride, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = SamePadded(inputs, FEATURES, 1), _norm(FEATURES)
        self._fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, 1280)."""
        x: Tensor = functional.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            x = block(x)
        x = functional.relu6(self._bn1(self._conv_head(x)))
        return torch.mean(x, (2, 3))
