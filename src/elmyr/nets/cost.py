"""What a network costs: its weights, and the arithmetic of one image's pass."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """Weights that are trained, and floating-point operations a pass of one image.

    A multiply-add counts as two operations, and only convolutions and matrix products count: so torch's counter has it.
    """

    parameters: int
    flops: int


def cost_of(net: nn.Module, inputs: torch.Tensor, *more: torch.Tensor | None) -> Cost:
    """The cost of a network, forward only, by a pass in eval mode over an example.

    `inputs` are latents (N, latent) or images (N, C, H, W); `more` is what it takes beside them, such as the labels
    int64 (N,) or None of a GAN's networks. The net stays in its mode.
    """
    training = net.training
    counter = FlopCounterMode(display=False)
    try:
        net.eval()
        with torch.no_grad(), counter:
            net(inputs, *more)
    finally:
        net.train(training)
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return Cost(parameters, counter.get_total_flops() // len(inputs))
