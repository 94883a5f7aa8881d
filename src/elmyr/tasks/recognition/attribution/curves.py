"""Deletion and insertion curves: does the belief follow the pixels that a map names first?

Petsiuk, Das and Saenko 2018, "RISE".
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.tasks.recognition.attribution.explained import Explained

STEPS = 28  # of a curve
Ranks = NDArray[np.int64]  # (N, H, W): when a pixel's turn is, from 0


def ranks_of(maps: NDArray[np.float64], *, seed: int = 0) -> Ranks:
    """When each pixel's turn is (N, H, W): the largest value of its map first, equal ones in random order."""
    flat = maps.reshape(len(maps), -1)
    ties = random_ranks(maps.shape, seed=seed, stream="ties of maps").reshape(flat.shape)
    order = np.lexsort((ties, -flat), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(flat.shape[1])[None], 1)
    return ranks.reshape(maps.shape)


def random_ranks(shape: tuple[int, ...], *, seed: int = 0, stream: str = "random pixels", number: int = 0) -> Ranks:
    """The same (N, H, W) in random order."""
    count, pixels = shape[0], shape[1] * shape[2]
    drawn = torch.rand(count, pixels, generator=seeds.generator(seed, stream, number), dtype=torch.float64)
    return drawn.argsort(1).argsort(1).numpy().reshape(shape)


def areas(
    of: Explained, units: torch.Tensor, targets: torch.Tensor, ranks: Ranks
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The areas under the deletion and the insertion curve, float64 (N,), of images (N, C, H, W) in [-1, 1].

    Pixel after pixel, in the order of their ranks, the image goes to the ground (deletion), or comes onto it
    (insertion). An area is the mean belief on the way: low is good for deletion, high for insertion.
    """
    turns = torch.from_numpy(ranks).to(units.device)[:, None]
    pixels = turns[0].numel()
    empty = torch.full_like(units, of.ground)
    deleted, inserted = [], []
    for step in range(STEPS + 1):
        is_due = turns < round(pixels * step / STEPS)
        deleted.append(of.beliefs(torch.where(is_due, empty, units), targets))
        inserted.append(of.beliefs(torch.where(is_due, units, empty), targets))
    return _mean_on_the_way(deleted), _mean_on_the_way(inserted)


def _mean_on_the_way(values: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.asarray(np.trapezoid(np.stack(values), dx=1 / STEPS, axis=0))
