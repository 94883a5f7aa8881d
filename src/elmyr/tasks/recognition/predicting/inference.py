"""A trained network applied to images, in parts, in fp32: what it says of one depends on others by rounding alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import machine, seeds, threads
from elmyr.core.errors import InputError
from elmyr.images import Pixels
from elmyr.losses.policies.affine import AMOUNTS, affine
from elmyr.nets import StridedClassifier
from elmyr.tasks.gan.model import to_unit

CHUNK = 1000
Look = Callable[[torch.Tensor], torch.Tensor]


def logits_of(net: StridedClassifier, images: Pixels) -> NDArray[np.float64]:
    """Class logits float64 (N, K) of images uint8 (N, H, W, C)."""
    return _in_chunks(net, images, net)


def probabilities_of(
    net: StridedClassifier, images: Pixels, temperature: float, average: int = 1
) -> NDArray[np.float64]:
    """Probabilities float64 (N, K) of images uint8 (N, H, W, C): the softmax of the logits divided by a temperature.

    The mean over `average` views of each image: as it is, and moved a little in ways that are the same for all images.
    InputError where that is less than 1.
    """
    if average < 1:
        raise InputError(f"the mean is taken over {average} views: at least 1 is needed")
    views = map(partial(look_of_view, net), range(average))
    probabilities = [softmax(_in_chunks(net, images, view) / temperature) for view in views]
    return np.asarray(np.mean(probabilities, 0))


def look_of_view(net: StridedClassifier, number: int) -> Look:
    """Logits (N, K) of images (N, C, H, W) in [-1, 1] in one view of them: as they are (0), or moved a little."""
    return net if number == 0 else partial(_logits_of_view, net, _view(number))


def _view(number: int) -> torch.Tensor:
    """By which shares of the amounts an image is moved, (5, 1)."""
    return 2 * seeds.uniform((AMOUNTS, 1), seeds.generator(0, "views", number), axis=1) - 1


def _logits_of_view(net: StridedClassifier, view: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    moved = affine(images, view.expand(AMOUNTS, len(images)), rotation=8, scale=0.08, shear=0.08, shift=0.06)
    logits: torch.Tensor = net(moved)
    return logits


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities float64 (N, K) of logits (N, K)."""
    return torch.from_numpy(logits).softmax(1).numpy()


def features_of(net: StridedClassifier, images: Pixels) -> NDArray[np.float64]:
    """Features float64 (N, dimension) of images uint8 (N, H, W, C)."""
    return _in_chunks(net, images, net.features)


@torch.no_grad()
def _in_chunks(net: StridedClassifier, images: Pixels, look: Look) -> NDArray[np.float64]:
    device = next(net.parameters()).device
    parts = []
    for start in range(0, len(images), CHUNK):
        threads.look()
        part = np.require(images[start : start + CHUNK], requirements="W")  # Pillow's pixels are not, torch warns of it
        chunk = torch.from_numpy(part).to(device).permute(0, 3, 1, 2)
        with machine.without_tf32():
            parts.append(look(to_unit(chunk)).double().cpu().numpy())
    return np.concatenate(parts)
