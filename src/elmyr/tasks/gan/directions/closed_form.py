"""Directions of the latents that need no figure: what the first layer stretches, what varies, what was discovered."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elmyr.core.errors import InputError
from elmyr.tasks.gan.model import GAN

FIRST = 10  # directions of each way, at most
SMALL = 16  # pixels a side to which images are brought for their principal components, at most


def sefa(gan: GAN) -> torch.Tensor:
    """The unit vectors (K, latent) that the layer which the latents enter stretches most, the most stretched first.

    Shen & Zhou 2021, "Closed-form factorization of latent semantics in GANs". A code (InfoGAN) is left alone.
    """
    latent, code = gan.config.network.latent, gan.config.code.entries
    weight = _first_weight(gan).double()
    weight[:, :code] = 0
    _, _, vectors = torch.linalg.svd(weight, full_matrices=False)
    found: torch.Tensor = vectors[: min(FIRST, latent - code)].float()
    return found


def principal(gan: GAN, latents: torch.Tensor, labels: torch.Tensor | None, images: NDArray[np.uint8]) -> torch.Tensor:
    """The unit vectors (K, latent) that tell most of the images' principal components within their class.

    After GANSpace (Härkönen et al. 2020), which regresses the components on the latents where these are not what was
    analyzed. latents (N, latent), labels (N,) or None; images uint8 (N, H, W, C) are those made of them.
    """
    code = gan.config.code.entries
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    height, width = (min(side, SMALL) for side in pixels.shape[2:])
    pixels = nn.functional.adaptive_avg_pool2d(pixels, (height, width)).flatten(1).double()
    known = latents.double().clone()
    known[:, :code] = 0
    for label in range(max(1, len(gan.config.classes))):
        here = slice(None) if labels is None else labels == label
        pixels[here] -= pixels[here].mean(0)
        known[here] -= known[here].mean(0)
    known[:, :code] = 0
    _, _, components = torch.linalg.svd(pixels, full_matrices=False)
    scores = pixels @ components[:FIRST].T
    ridge = known.T @ known + 1e-3 * len(known) * torch.eye(known.shape[1], dtype=known.dtype)
    found: torch.Tensor = torch.linalg.solve(ridge, known.T @ scores).T
    return nn.functional.normalize(found[found.norm(dim=1) > 1e-9]).float()


def discovered(gan: GAN) -> torch.Tensor:
    """The unit vectors (values, latent) of the continuous factors that a GAN discovered itself (InfoGAN)."""
    code = gan.config.code
    return torch.eye(gan.config.network.latent)[code.categories : code.entries]


@torch.no_grad()
def _first_weight(gan: GAN) -> torch.Tensor:
    """The weight (outputs, latent) of the first layer whose input begins with the latents themselves."""
    latent, found = gan.config.network.latent, list[torch.Tensor]()
    latents = gan.config.latents(2, torch.Generator().manual_seed(0)).to(gan.device)

    def seen(module: nn.Module, inputs: tuple[object, ...]) -> None:
        given = inputs[0].flatten(1) if isinstance(inputs[0], torch.Tensor) else latents[:, :0]
        if given.shape[1] >= latent and torch.equal(given[:, :latent].float(), latents):
            weight = module.weight
            assert isinstance(weight, torch.Tensor)
            by_input = weight.flatten(1).T if isinstance(module, nn.ConvTranspose2d) else weight
            found.append(by_input[:, :latent].detach().float().cpu())

    layers = [module for module in gan.generator.modules() if isinstance(module, nn.Linear | nn.ConvTranspose2d)]
    hooks = [layer.register_forward_pre_hook(seen) for layer in layers]
    try:
        gan.generator(latents, torch.zeros(2, dtype=torch.int64, device=gan.device) if gan.config.classes else None)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise InputError(
            "this generator has no layer that takes the latents as they are, which sefa needs: leave it out"
        )
    return found[0].clone()
