"""Spectral normalization: a weight divided by its largest singular value (Miyato et al. 2018).

In place of `torch.nn.utils.parametrizations.spectral_norm`, because under autocast that one estimates the singular
value in bf16, three digits short.
"""

from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrize import register_parametrization

from elmyr.core import machine

FIRST_ITERATIONS = 15

Module = TypeVar("Module", bound=nn.Module)


class SpectralNorm(nn.Module):
    """Divides a weight, seen as a matrix (outputs, all else), by its largest singular value, always in fp32.

    `vector` estimates the left singular vector. In training each use of the weight takes one step of the power method;
    in eval mode the vector stays as it is. The norm of a convolution's matrix is not that of the convolution: so it is
    in the paper.
    """

    vector: torch.Tensor

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("vector", F.normalize(torch.randn_like(weight.flatten(1)[:, 0]), dim=0))
        for _ in range(FIRST_ITERATIONS):
            self._step(weight.flatten(1))

    @torch.no_grad()
    def _step(self, matrix: torch.Tensor) -> None:
        self.vector.copy_(F.normalize(matrix @ (self.vector @ matrix), dim=0))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """A weight (outputs, ...) -> the same with spectral norm 1."""
        with machine.autocast(weight.device, "fp32"):
            matrix = weight.flatten(1)
            if self.training:
                self._step(matrix)
            left = self.vector.clone()  # a second use before the backward pass must not change what the first has used
            right = F.normalize(left @ matrix.detach(), dim=0)
            return weight / (left @ matrix @ right)


def spectrally_normalized(module: Module) -> Module:
    """The module itself: its weight orthogonal at the start (Brock et al. 2019), its bias zero, its spectral norm 1."""
    weight = module.weight
    assert isinstance(weight, torch.Tensor)
    nn.init.orthogonal_(weight)
    if isinstance(bias := getattr(module, "bias", None), torch.Tensor):
        nn.init.zeros_(bias)
    register_parametrization(module, "weight", SpectralNorm(weight.detach()))
    return module
