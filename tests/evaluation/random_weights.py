"""Weights of published networks without their files: drawn by name, so that every machine has the same."""

import zlib

import numpy as np
import torch
from torch import Tensor, nn


def random_weights(network: nn.Module) -> dict[str, Tensor]:
    """Weights of a size that keeps the signal alive, each drawn from its name."""
    return {name: torch.from_numpy(_drawn(name, tuple(tensor.shape))) for name, tensor in network.state_dict().items()}


def _drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith("num_batches_tracked"):
        return np.zeros((), np.int64)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) < 2:
        return (
            rng.uniform(0.5, 1.5, shape) if "weight" in name or "gamma" in name else rng.normal(0, 0.1, shape)
        ).astype(np.float32)
    return rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:])))


def reference_images(size: int = 40) -> np.ndarray:
    """Two RGB images uint8, not square: a gradient with waves and a spot of noise."""
    rows, columns = np.mgrid[0:size, 0 : size + 8] / size
    waves = [127 + 120 * np.sin(12 * rows * (1 + channel) + 7 * columns) for channel in range(3)]
    first = np.stack(waves, 2)
    noise = np.random.default_rng(5).integers(0, 256, first.shape)
    return np.stack([first, np.where(rows[..., None] > 0.5, noise, 255 - first)]).astype(np.uint8)
