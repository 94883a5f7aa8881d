"""Additions to an adversarial objective: what else a discriminator may be asked about an image.

Both losses are unreduced, (N,). Each is added to the discriminator's loss, so that its features answer well, and to the
generator's, so that its images are clear about the answer.
"""

import torch
from torch.nn.functional import cross_entropy


def classification_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """-log of the probability of the right class (ACGAN: Odena, Olah and Shlens 2017); logits (N, K), labels (N,)."""
    return cross_entropy(logits, labels, reduction="none")


def information_loss(
    category_logits: torch.Tensor | None,
    categories: torch.Tensor,
    means: torch.Tensor | None,
    values: torch.Tensor,
) -> torch.Tensor:
    """-log q(code | image), a bound on the mutual information of both, constants left out (InfoGAN: Chen et al. 2016).

    The code is a category, read as logits (N, K), and values (N, V), read as the means of Gaussians of variance 1;
    None where it has no such part. With one category or none `categories` is not looked at.
    """
    total = values.new_zeros(len(values))
    if category_logits is not None:
        total = total + cross_entropy(category_logits, categories, reduction="none")
    if means is not None:
        total = total + (means - values).square().sum(1) / 2
    return total
