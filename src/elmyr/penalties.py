"""Penalties on the discriminator: functions of images and logits that return one value an image."""

import torch


def squared_gradient_norm(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """|d logit / d image|^2 of each image (N,): R1 on real images, R2 on generated ones (Mescheder et al. 2018).

    `images` (N, C, H, W) must require gradients and have led to `logits` (N,) image by image. The result is
    differentiable in the discriminator's weights. R1 is gamma / 2 times its mean.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3))
