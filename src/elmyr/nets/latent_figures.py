"""What figures the image of a latent and a class will have, read without making the image."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 256


class LatentFigures(nn.Module):
    """Latents float (N, latent) and labels int64 (N,), or None without classes -> figures float (N, figures)."""

    def __init__(self, latent: int, classes: int, figures: int) -> None:
        super().__init__()
        self.classes = classes
        self.layers = nn.Sequential(
            nn.Linear(latent + classes, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, figures)
        )

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """The figures, each in standard deviations from its mean within the class."""
        if labels is not None and self.classes:
            latents = torch.cat([latents, F.one_hot(labels, self.classes).to(latents)], 1)
        figures: torch.Tensor = self.layers(latents)
        return figures
