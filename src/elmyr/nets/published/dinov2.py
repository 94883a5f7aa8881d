"""DINOv2's small vision transformer (Oquab et al. 2023), with the names of its published weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, DEPTH, HEADS, PATCH = 384, 12, 6, 14
TRAINED_ON = 518  # pixels a side that the positions were learned for
OFFSET = 0.1  # patches, that a side of positions is scaled beyond what it is to be, as it was when it was trained


class PatchEmbedding(nn.Module):
    """Squares of 14x14 pixels as vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, WIDTH, PATCH, PATCH)

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (N, patches, 384)."""
        patches: Tensor = self.proj(images).flatten(2).transpose(1, 2)
        return patches


class Attention(nn.Module):
    """Self-attention of several heads."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        count, length, _ = x.shape
        query, key, value = self.qkv(x).view(count, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        attended: Tensor = self.proj(seen.transpose(1, 2).reshape(count, length, WIDTH))
        return attended


class Perceptron(nn.Module):
    """Two layers, the first four times as wide."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out


class Scale(nn.Module):
    """A learned factor for each entry."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        return x * self.gamma


class Block(nn.Module):
    """Attention and a perceptron, each added to what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attn, self.ls1 = nn.LayerNorm(WIDTH, eps=1e-6), Attention(), Scale()
        self.norm2, self.mlp, self.ls2 = nn.LayerNorm(WIDTH, eps=1e-6), Perceptron(), Scale()

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        out: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return out


class DinoSmall(nn.Module):
    """From normalized images float (N, 3, 14 a, 14 b) to the 384 entries of the class token."""

    def __init__(self) -> None:
        super().__init__()
        side = TRAINED_ON // PATCH
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, side * side + 1, WIDTH))
        self.mask_token = nn.Parameter(torch.zeros(1, WIDTH))  # of its training; features do not use it
        self.patch_embed = PatchEmbedding()
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, 384)."""
        x = torch.cat([self.cls_token.expand(len(images), -1, -1), self.patch_embed(images)], 1)
        x = x + self._positions(images.shape[2] // PATCH, images.shape[3] // PATCH)
        for block in self.blocks:
            x = block(x)
        features: Tensor = self.norm(x)[:, 0]
        return features

    def _positions(self, rows: int, columns: int) -> Tensor:
        """Those that were learned, stretched over so many patches: (1, 1 + rows * columns, 384)."""
        side = math.isqrt(self.pos_embed.shape[1] - 1)
        if (rows, columns) == (side, side):
            return self.pos_embed
        grid = self.pos_embed[:, 1:].view(1, side, side, WIDTH).permute(0, 3, 1, 2)
        scale = (rows + OFFSET) / side, (columns + OFFSET) / side
        grid = functional.interpolate(grid, scale_factor=scale, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], 1)
