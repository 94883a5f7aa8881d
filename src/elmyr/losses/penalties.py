"""Penalties on the discriminator: functions of images and logits that return one value an image.

`discriminate` is the discriminator as a function of images (N, C, H, W) to logits (N,), its labels bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from elmyr.core import machine, seeds
from elmyr.core.errors import InputError
from elmyr.core.tables import Table

Discriminate = Callable[[torch.Tensor], torch.Tensor]
OfAll = Callable[[torch.Tensor], torch.Tensor]  # (n, …) of a share of a batch -> (N, …)


@dataclass(eq=False)
class Judged:
    """Real and generated images, and what the discriminator made of them: what a penalty is taken of.

    real, fake: images (N, C, H, W) in [-1, 1], as they are. images (2N, C, H, W): both, real first; logits (2N,): of
    these, augmented as the game has it. `random` draws for a penalty. augmented: images augmented in every way.
    of_all: the logits or the images of all processes, of those of this one. scalars: what a penalty wants to be logged.
    """

    discriminator: nn.Module
    discriminate: Discriminate
    real: torch.Tensor
    fake: torch.Tensor
    images: torch.Tensor
    logits: torch.Tensor
    random: seeds.Random
    augmented: Callable[[torch.Tensor], torch.Tensor]
    of_all: OfAll
    scalars: dict[str, torch.Tensor] = field(default_factory=dict)

    @cached_property
    def squared_gradients(self) -> tuple[torch.Tensor, torch.Tensor]:
        """|d logit / d image|^2 (N,) of the real and of the generated images, for what `needs_gradient`."""
        real, fake = squared_gradient_norm(self.logits, self.images).chunk(2)
        self.scalars["gradient_norms"] = (real.mean() + fake.mean()).detach()
        return real, fake


@dataclass(frozen=True)
class Penalty:
    """A penalty by what it is taken of; its strength is a setting of its name, 0 unless a preset says otherwise.

    value: of what was judged to a value an image (N,), or one for all. A class of modules has a state that checkpoints
    carry, as `kept_as`. lazy: taken at every k-th update (`penalties.every`), k times as strong. needs_gradient:
    whether `images` have to require gradients.
    """

    words: str
    value: Callable[[Judged], torch.Tensor] | type[nn.Module]
    lazy: bool = False
    needs_gradient: bool = False
    kept_as: str | None = None


def squared_gradient_norm(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """|d logit / d image|^2 of each image (N,): R1 on real images, R2 on generated ones (Mescheder et al. 2018).

    `images` (N, C, H, W) must require gradients and have led to `logits` (N,) image by image. The result is
    differentiable in the discriminator's weights. R1 is gamma / 2 times its mean.
    """
    return _gradients(logits, images).square().sum(dim=(1, 2, 3))


def gradient_penalty(
    discriminate: Discriminate, real: torch.Tensor, fake: torch.Tensor, generator: seeds.Random
) -> torch.Tensor:
    """(|d logit / d image| - 1)^2 (N,) at a random point between each real image and its partner (WGAN-GP).

    real and fake (N, C, H, W); `generator` draws the points. Usual weight: 10 (Gulrajani et al. 2017).
    """
    share = _uniform((len(real), 1, 1, 1), generator, real)
    return _distance_from_slope_one(discriminate, torch.lerp(fake.detach(), real.detach(), share))


def dragan(
    discriminate: Discriminate,
    real: torch.Tensor,
    generator: seeds.Random,
    *,
    spread: float = 0.5,
    of_all: OfAll = lambda images: images,
) -> torch.Tensor:
    """(|d logit / d image| - 1)^2 (N,) around the real images only (DRAGAN, Kodali et al. 2017).

    real (N, C, H, W); each is moved a random share of the way to a noisy copy, whose noise is uniform from 0 to
    `spread` standard deviations of the batch, as in the authors' code. Usual weight: 10.
    """
    images = real.detach()
    noise = spread * of_all(images).std() * _uniform(images.shape, generator, images)
    share = _uniform((len(images), 1, 1, 1), generator, images)
    return _distance_from_slope_one(discriminate, images + share * noise)


def consistency(logits: torch.Tensor, logits_of_augmented: torch.Tensor) -> torch.Tensor:
    """(D(x) - D(T(x)))^2 (N,): the logits (N,) of images and of the same images augmented (bCR, Zhao et al. 2020).

    Balanced: taken on real and on generated images, each with its own weight (usual: 10 each).
    """
    return (logits - logits_of_augmented).square()


def lecam(
    real: torch.Tensor, fake: torch.Tensor, average_real: torch.Tensor, average_fake: torch.Tensor
) -> torch.Tensor:
    """Squared distance of each logit (N,) from the moving average of the other side (LeCam, Tseng et al. 2021).

    real and fake are logits (N,), the averages scalars without gradient (`LogitAverages`). Usual weight: 0.01 to 0.3;
    for few images.
    """
    return (real - average_fake).square() + (fake - average_real).square()


class LogitAverages(nn.Module):
    """Moving averages of the discriminator's logits on real and on generated images, for `lecam`.

    `half_life` in images; until then it is the plain mean of all logits seen. The default is the paper's decay of
    0.99 an update at a batch of 64. The state is in buffers, so that checkpoints carry it.
    """

    real: torch.Tensor
    fake: torch.Tensor
    seen: torch.Tensor

    def __init__(self, half_life: int = 4_400) -> None:
        super().__init__()
        self.half_life = half_life
        for name in ("real", "fake", "seen"):
            self.register_buffer(name, torch.zeros(()))

    @torch.no_grad()
    def update(self, real: torch.Tensor, fake: torch.Tensor) -> None:
        """Takes in the logits (N,) of one batch, the whole of it where there are many processes."""
        self.seen += len(real)
        share = (len(real) / self.seen).clamp(min=1 - 0.5 ** (len(real) / self.half_life))
        self.real.lerp_(real.to(self.real.dtype).mean(), share)
        self.fake.lerp_(fake.to(self.fake.dtype).mean(), share)


class LeCam(LogitAverages):
    """`lecam` against the averages up to and with this batch."""

    def forward(self, judged: Judged) -> torch.Tensor:
        """A value an image (N,)."""
        real, fake = judged.logits.chunk(2)
        self.update(judged.of_all(real), judged.of_all(fake))
        return lecam(real, fake, self.real, self.fake)


def weight_norms(net: nn.Module, power: int) -> torch.Tensor:
    """The sum of |weight|^power over a network, 0-d: `power` 1 for L1, 2 for L2.

    Weights are the parameters of two dimensions and more: biases and the gains of normalizations are left free.
    """
    return torch.stack([p.abs().pow(power).sum() for p in net.parameters() if p.dim() >= 2]).sum()


def _consistency_of_both(judged: Judged) -> torch.Tensor:
    real, fake = (
        consistency(judged.discriminate(images), judged.discriminate(judged.augmented(images)))
        for images in (judged.real, judged.fake)
    )
    return real.mean() + fake.mean()


def _accepted(part: Any) -> Penalty:
    if isinstance(part, Penalty):
        return part
    if callable(part):
        return Penalty((part.__doc__ or "").partition("\n")[0], part)
    raise InputError("a penalty is a function of what was judged, or a Penalty of one")


# The order is the one that they are taken in: sums of floats depend on it.
PENALTIES: Table[Penalty] = Table(
    "penalty",
    {
        "r1": Penalty(
            "half the squared gradients at real images (Mescheder et al. 2018)",
            lambda judged: judged.squared_gradients[0] / 2,
            lazy=True,
            needs_gradient=True,
        ),
        "r2": Penalty(
            "half the squared gradients at generated images",
            lambda judged: judged.squared_gradients[1] / 2,
            lazy=True,
            needs_gradient=True,
        ),
        "wgan_gp": Penalty(
            "gradients of norm 1 between both (Gulrajani et al. 2017: 10)",
            lambda judged: gradient_penalty(judged.discriminate, judged.real, judged.fake, judged.random),
            lazy=True,
        ),
        "dragan": Penalty(
            "gradients of norm 1 around real images (Kodali et al. 2017: 10)",
            lambda judged: dragan(judged.discriminate, judged.real, judged.random, of_all=judged.of_all),
            lazy=True,
        ),
        "consistency": Penalty("the same logit for an augmented image (Zhao et al. 2020: 10)", _consistency_of_both),
        "lecam": Penalty(
            "logits near the averages of the other side (Tseng et al. 2021: 0.3)", LeCam, kept_as="averages"
        ),
        "weight_l1": Penalty(
            "the sizes of the discriminator's weights", lambda judged: weight_norms(judged.discriminator, 1)
        ),
        "weight_l2": Penalty("their squares", lambda judged: weight_norms(judged.discriminator, 2)),
    },
    accept=_accepted,
    reserved=("every",),
)


def _distance_from_slope_one(discriminate: Discriminate, images: torch.Tensor) -> torch.Tensor:
    images.requires_grad_()
    gradients = _gradients(discriminate(images), images)
    # Not the root of the squares' sum, whose own gradient is not a number where an image's gradient is 0.
    slopes: torch.Tensor = torch.linalg.vector_norm(gradients, dim=(1, 2, 3))
    return (slopes - 1).square()


def _gradients(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    (gradients,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    # Squares of half-precision gradients would leave the range of their type.
    return gradients.to(torch.promote_types(gradients.dtype, torch.float32))


def _uniform(shape: tuple[int, ...], generator: seeds.Random, like: torch.Tensor) -> torch.Tensor:
    return machine.to_device(seeds.uniform(shape, generator), like.device).to(like.dtype)
