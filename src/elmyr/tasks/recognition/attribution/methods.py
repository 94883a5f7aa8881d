"""Attribution methods: which pixels a score comes from. A line each in `METHODS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from elmyr.core.errors import InputError
from elmyr.core.tables import Table
from elmyr.tasks.recognition.attribution.explained import Explained

STEPS = 32  # of a path
PIECES = 7  # an occluding patch is so many times in the width of an image
MISSING = "the method '{name}' needs captum: pip install 'elmyr[explain]', or take the method 'gradient'"

Attribute = Callable[[Explained, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Method:
    """A way to divide a score among pixels.

    attribute: of what is explained, images (N, C, H, W) in [-1, 1] and classes (N,), maps (N, C or 1, H, W): above 0
    where pixels speak for the class. told: in a line. needs_captum: whether the extra `[explain]` is asked for.
    """

    attribute: Attribute
    told: str
    needs_captum: bool = True


def required_method(name: str) -> Method:
    """A method by its name; InputError for one that is not known, and for one that needs what is not installed."""
    method = METHODS.named(name)
    if method.needs_captum:
        try:
            import_module("captum.attr")
        except ImportError:
            raise InputError(MISSING.format(name=name)) from None
    return method


def _integrated_gradients(explained: Explained, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    from captum.attr import IntegratedGradients

    found: torch.Tensor = IntegratedGradients(explained.scores).attribute(
        images.requires_grad_(True),
        baselines=explained.ground,
        additional_forward_args=targets,
        n_steps=STEPS,
        internal_batch_size=max(len(images), 256),
    )
    return found


def _grad_cam(explained: Explained, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    from captum.attr import LayerGradCam

    layer = last_maps(explained, images[:1], targets[:1])
    coarse: torch.Tensor = LayerGradCam(explained.scores, layer).attribute(
        images.requires_grad_(True), additional_forward_args=targets, attr_dim_summation=True
    )
    return F.interpolate(coarse.detach(), images.shape[2:], mode="bilinear", align_corners=False)


def _occlusion(explained: Explained, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    from captum.attr import Occlusion

    channels, height, width = images.shape[1:]
    side = max(2, round(min(height, width) / PIECES))
    with torch.no_grad():
        found: torch.Tensor = Occlusion(explained.scores).attribute(
            images,
            sliding_window_shapes=(channels, side, side),
            strides=(channels, side // 2, side // 2),
            baselines=explained.ground,
            additional_forward_args=targets,
        )
    return found[:, :1]  # a patch covers all channels, and each of them is told the same


def _gradient(explained: Explained, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    images = images.requires_grad_(True)
    (gradients,) = torch.autograd.grad(explained.scores(images, targets).sum(), images)
    return gradients * (images.detach() - explained.ground)


def last_maps(explained: Explained, image: torch.Tensor, target: torch.Tensor) -> nn.Module:
    """The last module of a network that gives maps (N, C, h, w) of more than a pixel; InputError where none does."""
    found: list[nn.Module] = []

    def hear(module: nn.Module, given: Any, made: Any) -> None:
        if isinstance(made, torch.Tensor) and made.ndim == 4 and made.shape[2] * made.shape[3] > 1:
            found.append(module)

    hooks = [module.register_forward_hook(hear) for module in explained.net.modules() if module is not explained.net]
    try:
        with torch.no_grad():
            explained.scores(image, target)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise InputError("this network has no convolutions, which grad-cam looks at: take integrated-gradients")
    return found[-1]


METHODS: Table[Method] = Table(
    "method of explanation",
    {
        "integrated-gradients": Method(
            _integrated_gradients,
            "gradients along the way from an empty image, times what differs from it (Sundararajan et al. 2017)",
        ),
        "grad-cam": Method(
            _grad_cam, "maps of the last convolution, weighted by their gradients (Selvaraju et al. 2017)"
        ),
        "occlusion": Method(_occlusion, "what the score loses where a patch is covered (Zeiler and Fergus 2014)"),
        "gradient": Method(
            _gradient,
            "the gradient, times what differs from an empty image (Shrikumar et al. 2016); needs no extra",
            needs_captum=False,
        ),
    },
)
