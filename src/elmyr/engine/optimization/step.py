"""One step of an optimizer that numbers gone bad cannot take."""

from collections.abc import Iterable

import torch
from torch import nn

from elmyr.engine.processes import ALONE, Processes


def step(
    optimizer: torch.optim.Optimizer,
    losses: Iterable[torch.Tensor],
    *,
    clip: float = 0.0,
    processes: Processes = ALONE,
) -> torch.Tensor:
    """Takes a fused optimizer's step by the sum of the losses; returns the gradient's norm, before clipping.

    Each loss is differentiated before the next one is asked for, so that one graph at a time is in memory.
    Where the norm is not finite no weight changes, without a wait for the device: the fused update reads
    `found_inf` there. `clip` is the largest norm; 0 for any. The gradient is the mean over all processes.
    """
    optimizer.zero_grad(set_to_none=True)
    for loss in losses:
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own lacks annotations
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    processes.average_gradients(parameters)
    norm = nn.utils.get_total_norm(parameter.grad for parameter in parameters if parameter.grad is not None)
    if clip:
        nn.utils.clip_grads_with_norm_(parameters, clip, norm)
    optimizer.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]  # fused ones read it
    optimizer.step()
    return norm
