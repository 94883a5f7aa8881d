"""The image tower of CLIP ViT-B/32 (Radford et al. 2021), with the names of its weights as Hugging Face has them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, DEPTH, HEADS, PATCH, SIDE = 768, 12, 12, 32, 224
FEATURES = 512


class Embeddings(nn.Module):
    """Squares of 32x32 pixels as vectors behind that of the class, each with its place."""

    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.zeros(WIDTH))
        self.patch_embedding = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.position_embedding = nn.Embedding((SIDE // PATCH) ** 2 + 1, WIDTH)

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (N, 50, 768)."""
        patches = self.patch_embedding(images).flatten(2).transpose(1, 2)
        classes = self.class_embedding.expand(len(images), 1, -1)
        return torch.cat([classes, patches], 1) + self.position_embedding.weight


class Attention(nn.Module):
    """Self-attention of several heads."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        count, length, _ = x.shape
        heads = [
            layer(x).view(count, length, HEADS, WIDTH // HEADS).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        ]
        seen = functional.scaled_dot_product_attention(*heads)
        attended: Tensor = self.out_proj(seen.transpose(1, 2).reshape(count, length, WIDTH))
        return attended


class Perceptron(nn.Module):
    """Two layers, the first four times as wide, with CLIP's own approximation of the GELU between them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        x = self.fc1(x)
        out: Tensor = self.fc2(x * torch.sigmoid(1.702 * x))
        return out


class Block(nn.Module):
    """Attention and a perceptron, each added to what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_norm1, self.self_attn = nn.LayerNorm(WIDTH), Attention()
        self.layer_norm2, self.mlp = nn.LayerNorm(WIDTH), Perceptron()

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        x = x + self.self_attn(self.layer_norm1(x))
        out: Tensor = x + self.mlp(self.layer_norm2(x))
        return out


class Encoder(nn.Module):
    """The blocks, one after another."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Block() for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Vectors as they came."""
        for layer in self.layers:
            x = layer(x)
        return x


class Tower(nn.Module):
    """The vision transformer."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.embeddings = Embeddings()
        self.pre_layrnorm = nn.LayerNorm(WIDTH)  # the published weights spell it so
        self.encoder = Encoder(depth)
        self.post_layernorm = nn.LayerNorm(WIDTH)

    def forward(self, images: Tensor) -> Tensor:
        """The class's vector (N, 768)."""
        x = self.encoder(self.pre_layrnorm(self.embeddings(images)))
        pooled: Tensor = self.post_layernorm(x[:, 0])
        return pooled


class ClipVision(nn.Module):
    """From normalized images float (N, 3, 224, 224) to the 512 features that CLIP compares with those of a text."""

    def __init__(self, depth: int = DEPTH) -> None:
        super().__init__()
        self.vision_model = Tower(depth)
        self.visual_projection = nn.Linear(WIDTH, FEATURES, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, 512), of any length."""
        features: Tensor = self.visual_projection(self.vision_model(images))
        return features
