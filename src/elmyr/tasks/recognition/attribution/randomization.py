"""The randomization check: a map of a network whose weights are random must be another one.

Adebayo et al. 2018, "Sanity Checks for Saliency Maps". Layer by layer, from the last to the first, weights are replaced
by random ones and stay so.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import nn

from elmyr.core import seeds
from elmyr.tasks.recognition.attribution.explained import Explained
from elmyr.tasks.recognition.attribution.explaining import maps_of

DIFFERS = 0.1  # of the range of pixels, from the ground: what has been drawn
FEWEST = 10  # such pixels, below which they have no order to compare


class Layer(NamedTuple):
    """A layer that is random from here on, and what is left of the maps, as mean rank correlations (Spearman).

    whole: of the maps' absolute values over all pixels; drawn: over those that differ from the ground, None without
    enough of them.
    """

    name: str
    whole: float
    drawn: float | None


def layers_of(of: Explained, image: torch.Tensor, target: torch.Tensor) -> list[tuple[str, list[nn.Module]]]:
    """The layers in the order in which they are used, by name; those of vectors, as norms, with the one before them."""
    used: list[str] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, given, name=name: used.append(name))
        for name, module in of.net.named_modules()
        if list(module.parameters(recurse=False))
    ]
    try:
        with torch.no_grad():
            of.scores(image, target)
    finally:
        for hook in hooks:
            hook.remove()
    layers: list[tuple[str, list[nn.Module]]] = []
    for name in dict.fromkeys(used):
        module = of.net.get_submodule(name)
        if layers and all(one.ndim < 2 for one in module.parameters(recurse=False)):
            layers[-1][1].append(module)
        else:
            layers.append((name or type(of.net).__name__, [module]))
    return layers


@torch.no_grad()
def randomize(module: nn.Module, name: str, *, seed: int = 0) -> None:
    """Replaces a module's own weights by normal ones of the same mean and standard deviation."""
    for number, weights in enumerate(module.parameters(recurse=False)):
        drawn = torch.randn(weights.shape, generator=seeds.generator(seed, f"random weights of {name}", number))
        spread = weights.std(correction=0)
        weights.copy_(weights.mean() + spread * drawn.to(weights))


def randomized(
    of: Explained, units: torch.Tensor, targets: torch.Tensor, maps: NDArray[np.float64], method: str, *, seed: int = 0
) -> Iterator[Layer]:
    """What is left of maps (N, H, W) as the layers become random, from the last to the first."""
    changed = of.with_net(deepcopy(of.net))
    drawn = (units - of.ground).abs().amax(1).cpu().numpy() > 2 * DIFFERS
    for name, modules in reversed(layers_of(changed, units[:1], targets[:1].to(units.device))):
        for number, module in enumerate(modules):
            randomize(module, f"{name} {number}", seed=seed)
        others = maps_of(changed, units, targets, method)
        among = [
            rank_correlation(abs(one[where]), abs(other[where]))
            for one, other, where in zip(maps, others, drawn, strict=True)
            if where.sum() >= FEWEST
        ]
        whole = [rank_correlation(abs(one), abs(other)) for one, other in zip(maps, others, strict=True)]
        yield Layer(name, float(np.mean(whole)), float(np.mean(among)) if among else None)


def rank_correlation(a: Any, b: Any) -> float:
    """Spearman's rank correlation of two arrays of one shape; 0 where one of them is constant."""
    ranks = [rankdata(each, axis=None) for each in (a, b)]
    centered = [each - each.mean() for each in ranks]
    norm = float(np.sqrt(np.prod([(each**2).sum() for each in centered])))
    return float((centered[0] * centered[1]).sum() / norm) if norm else 0.0
