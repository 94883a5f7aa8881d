"""A trained network applied to images, in parts, in fp32: what it says of one depends on others by rounding alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.images import Pixels
from elmyr.nets import StridedClassifier
from elmyr.tasks.gan.model import to_unit

CHUNK = 1000


def logits_of(net: StridedClassifier, images: Pixels) -> NDArray[np.float64]:
    """Class logits float64 (N, K) of images uint8 (N, H, W, C)."""
    return _in_chunks(net, images, net)


def probabilities_of(net: StridedClassifier, images: Pixels, temperature: float) -> NDArray[np.float64]:
    """Probabilities float64 (N, K) of images uint8 (N, H, W, C): the softmax of the logits divided by a temperature."""
    return softmax(logits_of(net, images) / temperature)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities float64 (N, K) of logits (N, K)."""
    return torch.from_numpy(logits).softmax(1).numpy()


def features_of(net: StridedClassifier, images: Pixels) -> NDArray[np.float64]:
    """Features float64 (N, dimension) of images uint8 (N, H, W, C)."""
    return _in_chunks(net, images, net.features)


@torch.no_grad()
def _in_chunks(
    net: StridedClassifier, images: Pixels, look: Callable[[torch.Tensor], torch.Tensor]
) -> NDArray[np.float64]:
    device = next(net.parameters()).device
    parts = []
    for start in range(0, len(images), CHUNK):
        part = np.require(images[start : start + CHUNK], requirements="W")  # Pillow's pixels are not, torch warns of it
        chunk = torch.from_numpy(part).to(device).permute(0, 3, 1, 2)
        parts.append(look(to_unit(chunk)).double().cpu().numpy())
    return np.concatenate(parts)
