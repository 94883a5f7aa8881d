"""Article 0's pair: dense layers only, as in the first GAN of all (Goodfellow et al. 2014).

The generator's layers are 128, 256, 512, 1024 (ReLU) and the pixels, the discriminator's 1024, 512, 256, 128 (ReLU)
and the logit. Put right: the article's sigmoid gives [0, 1], and is moved to [-1, 1]. Any size.
"""

from itertools import pairwise
from math import prod

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.nets.layers.parts import Discriminator, ProjectionHead, indifferent_vectors, start_as_keras
from elmyr.nets.pairs.dense import DenseGenerator
from elmyr.nets.pairs.pair import Pair, Shape, SizedConfig

ARTICLE_BASE = 128
GROWTH = (1, 2, 4, 8)


class DenseDiscriminator(Discriminator):
    """Images to one logit each by dense layers, ReLU after each: high for real."""

    def __init__(self, shape: Shape, classes: int, widths: list[int]) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise([prod(shape), *widths]))
        self.width = widths[-1]
        self.head = ProjectionHead(nn.Linear(self.width, 1), indifferent_vectors(classes, self.width))
        start_as_keras(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1] -> features (N, width)."""
        x = images.flatten(1)
        for layer in self.hidden:
            x = F.relu(layer(x))
        return x


def mlp_pair(shape: Shape, classes: int, config: SizedConfig) -> tuple[DenseGenerator, DenseDiscriminator]:
    """The pair: `base` is the narrowest layer's width, the article's 128; its latent is 100."""
    widths = [config.base * growth for growth in GROWTH]
    return (
        DenseGenerator(shape, classes, widths, config=config, slope=0.0, sharpness=0.5),
        DenseDiscriminator(shape, classes, widths[::-1]),
    )


PAIR = Pair(mlp_pair, SizedConfig, has_features=True)
