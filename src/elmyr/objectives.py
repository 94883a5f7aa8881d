"""Adversarial objectives: each class holds the discriminator's and the generator's side of one game.

Both sides take the logits of real and of generated images, (N,) each and paired, and return losses (N,), unreduced.
"""

from typing import Protocol

import torch
from torch.nn.functional import softplus


class Objective(Protocol):
    """What an adversarial objective gives."""

    @property
    def needs_real_for_generator(self) -> bool:
        """Whether the generator's side looks at real images."""
        ...

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The discriminator's loss (N,)."""
        ...

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The generator's loss (N,); `real` is used where `needs_real_for_generator`."""
        ...


class NonSaturating:
    """-log D(x) - log(1 - D(G(z))) against -log D(G(z)) (Goodfellow et al. 2014)."""

    needs_real_for_generator = False

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Real logits up, generated ones down."""
        return softplus(-real) + softplus(fake)

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Generated logits up."""
        return softplus(-fake)


class RelativisticPairing:
    """Each generated image against its real partner (Jolicoeur-Martineau 2018; RpGAN in Huang et al. 2024).

    With classes the partners share their label: the generator is asked for the real batch's labels.
    """

    needs_real_for_generator = True

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The real partner's logit above the generated one's."""
        return softplus(fake - real)

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The generated partner's logit above the real one's."""
        return softplus(real - fake)


OBJECTIVES: dict[str, type[Objective]] = {
    "relativistic-pairing": RelativisticPairing,
    "non-saturating": NonSaturating,
}
