"""Penalties on the discriminator: functions of images and logits that return one value an image.

`discriminate` is the discriminator as a function of images (N, C, H, W) to logits (N,), its labels bound.
"""

from collections.abc import Callable

import torch
from torch import nn

from elmyr import seeds

Discriminate = Callable[[torch.Tensor], torch.Tensor]


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
    discriminate: Discriminate, real: torch.Tensor, generator: seeds.Random, *, spread: float = 0.5
) -> torch.Tensor:
    """(|d logit / d image| - 1)^2 (N,) around the real images only (DRAGAN, Kodali et al. 2017).

    real (N, C, H, W); each is moved a random share of the way to a noisy copy, whose noise is uniform from 0 to
    `spread` standard deviations of the batch, as in the authors' code. Usual weight: 10.
    """
    images = real.detach()
    noise = spread * images.std() * _uniform(images.shape, generator, images)
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


def weight_norms(net: nn.Module, power: int) -> torch.Tensor:
    """The sum of |weight|^power over a network, 0-d: `power` 1 for L1, 2 for L2.

    Weights are the parameters of two dimensions and more: biases and the gains of normalizations are left free.
    """
    return torch.stack([p.abs().pow(power).sum() for p in net.parameters() if p.dim() >= 2]).sum()


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
    return seeds.uniform(shape, generator).to(like.device, like.dtype)
