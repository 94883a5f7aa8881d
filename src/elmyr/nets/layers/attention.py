"""Self-attention between the places of a feature map (Zhang et al. 2019, "Self-attention GANs")."""

from math import log

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.spectral import spectrally_normalized

SIDE = 16  # where attention pays: at smaller maps convolutions reach far enough, at larger ones it is dear


class SelfAttention(nn.Module):
    """Adds to each place what all places together, each by its likeness, have to say; times a weight that starts at 0.

    As in BigGAN, keys and values are taken from the map at half its size. The products are written out: unlike
    PyTorch's fused attention they can be differentiated twice, as penalties do.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        self.queries = spectrally_normalized(nn.Conv2d(channels, narrow, 1, bias=False))
        self.keys = spectrally_normalized(nn.Conv2d(channels, narrow, 1, bias=False))
        self.values = spectrally_normalized(nn.Conv2d(channels, half, 1, bias=False))
        self.output = spectrally_normalized(nn.Conv2d(half, channels, 1, bias=False))
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        queries = self.queries(x).flatten(2)
        keys = F.max_pool2d(self.keys(x), 2).flatten(2)
        values = F.max_pool2d(self.values(x), 2).flatten(2)
        likeness = torch.softmax(queries.transpose(1, 2) @ keys, dim=2)  # (N, places, places / 4)
        seen = (values @ likeness.transpose(1, 2)).reshape(x.shape[0], -1, *x.shape[2:])
        seen = self.output(seen.contiguous(memory_format=torch.channels_last))
        result: torch.Tensor = x + self.weight * seen
        return result


def attended_level(sizes: list[tuple[int, int]]) -> int:
    """Which of the maps' sizes (height, width) is nearest to 16x16, and so gets the attention."""
    return min(range(len(sizes)), key=lambda level: abs(log(sizes[level][0] * sizes[level][1] / SIDE**2)))
