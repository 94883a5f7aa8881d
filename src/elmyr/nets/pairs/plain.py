"""Networks that know nothing of elmyr, as its trainings take them; and a pass that shows whether they fit."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn

from elmyr.core.errors import ElmyrError, InputError
from elmyr.nets.layers.parts import Discriminator

TRIED = 2  # images of the trial pass


def takes_labels(net: nn.Module) -> bool:
    """Whether a network can be given labels beside its input."""
    parameters = signature(net.forward).parameters.values()
    places = [each for each in parameters if each.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    return len(places) > 1 or any(each.kind is Parameter.VAR_POSITIONAL for each in parameters)


class PlainGenerator(nn.Module):
    """A generator that takes latents alone."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Latents (N, latent) -> images (N, C, H, W); InputError for labels."""
        if labels is not None:
            raise InputError("the generator takes no labels: pass --set conditional=false")
        images: torch.Tensor = self.net(latents)
        return images


class PlainDiscriminator(Discriminator):
    """A discriminator without features that others could read. `labeled`: whether it was built for classes."""

    width = 0

    def __init__(self, net: nn.Module, *, labeled: bool) -> None:
        super().__init__()
        self.net, self.labeled = net, labeled
        self.takes_labels = takes_labels(net)
        self.batch_multiple = int(getattr(net, "batch_multiple", 1))

    def look(self, images: torch.Tensor, labels: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Images (N, C, H, W) and labels int64 (N,) or None -> logits (N,), and features (N, 0)."""
        if self.labeled and not self.takes_labels:
            raise InputError("the discriminator takes no labels: pass --set conditional=false")
        given = (images, labels if self.labeled else None) if self.takes_labels else (images,)
        logits: torch.Tensor = self.net(*given)
        return logits.squeeze(1) if logits.shape[1:] == (1,) else logits, images.new_empty(len(images), 0)


def require_fit(
    name: str,
    generator: nn.Module,
    discriminator: nn.Module,
    shape: tuple[int, int, int],
    latent: int,
    classes: Sequence[str],
) -> None:
    """InputError where networks do not take latents to images (C, H, W) of this shape and these to a logit each.

    A pass over copies: neither the networks nor torch's random numbers are touched.
    """
    labels = torch.zeros(TRIED, dtype=torch.int64) if classes else None
    images = _passed(name, "generator", generator, torch.zeros(TRIED, latent), labels)
    _require_shape(name, "generator", "images", images, (TRIED, *shape))
    logits = _passed(name, "discriminator", discriminator, images, labels)
    _require_shape(name, "discriminator", "logits", logits, (TRIED,))


def _passed(name: str, side: str, net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor | None) -> Any:
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=()):
            return deepcopy(net).eval()(inputs, labels)
    except ElmyrError as error:
        raise InputError(f"network '{name}': {error}") from None
    except Exception as error:
        reason = (str(error).splitlines() or ["without a word"])[0]
        raise InputError(
            f"network '{name}': its {side} fails on an input of the shape {tuple(inputs.shape)} "
            f"({type(error).__name__}: {reason}): mend it"
        ) from error


def _require_shape(name: str, side: str, what: str, result: Any, shape: tuple[int, ...]) -> None:
    found = tuple(result.shape) if isinstance(result, torch.Tensor) else type(result).__name__
    if found != shape:
        raise InputError(f"network '{name}': its {side} gives {what} of the shape {found}, they have to be {shape}")
