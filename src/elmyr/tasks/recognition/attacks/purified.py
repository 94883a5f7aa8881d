"""A recognizer behind a restorer that repairs what it is shown, as an attack sees it that knows of both."""

from __future__ import annotations

import torch

from elmyr.tasks.recognition.attacks.seam import Model
from elmyr.tasks.restoration.restorer import Restorer


def purified(model: Model, restorer: Restorer) -> Model:
    """A model of images (N, C, H, W) in [0, 1] that are repaired first, without a mask: the answer in the middle.

    It can be differentiated all the way through, and draws nothing, so that neither an approximation nor a mean over
    draws is needed to attack it. What a repair makes beyond [0, 1] is cut off, and passes gradients as if it were not.
    InputError for a restorer of other channels is the caller's to raise (`Restorer.require_fit`).
    """

    def through(images: torch.Tensor) -> torch.Tensor:
        return model(_repaired(images, restorer))

    return through


def as_if_unchanged(model: Model, restorer: Restorer) -> Model:
    """The same to look at, with the gradient of the model alone: the repair taken for the identity on the way back.

    BPDA of Athalye, Carlini & Wagner 2018, for a repair whose own gradients mislead.
    """

    def through(images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            change = _repaired(images, restorer) - images
        return model(images + change)

    return through


def _repaired(images: torch.Tensor, restorer: Restorer) -> torch.Tensor:
    hidden = torch.zeros_like(images[:, :1], dtype=torch.bool)
    made: torch.Tensor = (restorer.net_(2 * images - 1, hidden) + 1) / 2
    return made + (made.clamp(0, 1) - made).detach()
