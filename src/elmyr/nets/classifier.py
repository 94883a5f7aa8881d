"""The recognizer's network: a small strided convolutional classifier, quick on one core."""

import torch
from torch import nn
from torch.nn import functional as F


class Fp32GroupNorm(nn.GroupNorm):
    """Group normalization in at least fp32, on a CPU given in the type of its input.

    A CPU's own of bf16, channels-last, goes value by value where a group's channels are no multiple of its vectors'
    sixteen, as here: it takes twice as long, rounding to fp32 and back included. Elsewhere it is torch's, which under
    autocast computes in fp32 and leaves its result so.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if input.device.type != "cpu":
            return super().forward(input)
        normalized: torch.Tensor = super().forward(input.to(torch.promote_types(input.dtype, torch.float32)))
        return normalized.to(input.dtype)


class StridedClassifier(nn.Module):
    """Images to class logits, by way of `features`, the vector before the last layer.

    Group normalization instead of batch normalization: what it computes for an image does not depend on the others.
    """

    def __init__(self, height: int, width: int, channels: int, classes: int, base: int, dimension: int) -> None:
        super().__init__()
        strides = [2, 2, 1] if min(height, width) >= 16 else [1, 2, 1]
        kernels = [5, 5, 3] if min(height, width) >= 16 else [3, 3, 3]
        widths = [channels, base, 2 * base, 3 * base]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, kernel, stride, kernel // 2)
            for a, b, kernel, stride in zip(widths[:-1], widths[1:], kernels, strides, strict=True)
        )
        self.norms = nn.ModuleList(Fp32GroupNorm(4, c) for c in widths[1:])
        # Larger images are pooled to the map that a 32x32 image has, so that the dense layer stays small.
        self.pool = nn.AdaptiveAvgPool2d(8) if max(height, width) > 32 else nn.Identity()
        with torch.no_grad():
            flat = self._maps(torch.zeros(1, channels, height, width)).shape[1]
        self.dense = nn.Linear(flat, dimension)
        self.logits = nn.Linear(dimension, classes)

    def _maps(self, images: torch.Tensor) -> torch.Tensor:
        x = images
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = norm(F.gelu(convolution(x)))
        return torch.flatten(self.pool(x), 1)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, dimension)."""
        return F.gelu(self.dense(self._maps(images)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> class logits (N, classes)."""
        logits: torch.Tensor = self.logits(self.features(images))
        return logits
