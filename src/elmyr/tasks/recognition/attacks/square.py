"""Square: random search by the logits alone, without any gradient (Andriushchenko et al. 2020)."""

from __future__ import annotations

from math import sqrt

import torch

from elmyr.tasks.recognition.attacks.balls import BALLS, TINY, Norm
from elmyr.tasks.recognition.attacks.losses import margin
from elmyr.tasks.recognition.attacks.seam import Model

SHARE = 0.8  # of the pixels, that the first squares cover
HALVED_AT = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries
STANDARD = 10_000


@torch.no_grad()
def square(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Images (N, C, H, W) within ε: a square of each is changed at a time, and kept where the margin falls.

    steps: how often the model is asked about an image at most; one that is misread is left alone from then on. The
    places of the squares are those of all images at hand. The other parameters as those of `pgd`.
    """
    BALLS.require(norm)
    begin, propose = PROPOSALS[norm]
    images = images.detach()
    attacked = begin(images, epsilon, generator)
    left = torch.arange(len(images), device=images.device)
    gains = margin(model(attacked).float(), labels) if len(images) else attacked.new_zeros(0)
    left, gains = left[gains <= 0], gains[gains <= 0]
    for step in range(1, steps):
        if not len(left):
            break
        side = _side(step, steps, images.shape)
        proposed = propose(attacked[left], images[left], epsilon, side, generator)
        gained = margin(model(proposed).float(), labels[left])
        better = gained > gains
        attacked[left[better]] = proposed[better]
        gains = torch.where(better, gained, gains)
        left, gains = left[gains <= 0], gains[gains <= 0]
    return attacked


def _side(step: int, steps: int, shape: torch.Size) -> int:
    """Of the squares at a step: they grow smaller as the search goes on."""
    done = int(step / steps * STANDARD)
    share = SHARE / 2 ** sum(done > each for each in HALVED_AT)
    height, width = shape[2:]
    return max(1, min(round(sqrt(share * height * width)), height, width))


def _signs(shape: tuple[int, ...], images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    return (2 * torch.randint(0, 2, shape, generator=random) - 1).to(images.device, images.dtype)


def _place(images: torch.Tensor, side: int, random: torch.Generator) -> tuple[slice, slice]:
    """The rows and columns of a square anywhere in the image."""
    row, column = (int(torch.randint(0, length - side + 1, (1,), generator=random)) for length in images.shape[2:])
    return slice(row, row + side), slice(column, column + side)


def _stripes(images: torch.Tensor, epsilon: float, random: torch.Generator) -> torch.Tensor:
    """Each column and channel of an image as far up or down as is allowed."""
    count, channels, _, width = images.shape
    return (images + epsilon * _signs((count, channels, 1, width), images, random)).clamp(0, 1)


def _square(
    changed: torch.Tensor, images: torch.Tensor, epsilon: float, side: int, random: torch.Generator
) -> torch.Tensor:
    """One square of each image as far up or down as is allowed."""
    rows, columns = _place(images, side, random)
    signs = _signs((len(images), images.shape[1], 1, 1), images, random)
    proposed = changed.clone()
    proposed[:, :, rows, columns] = (images[:, :, rows, columns] + epsilon * signs).clamp(0, 1)
    return proposed


def _tiles(images: torch.Tensor, epsilon: float, random: torch.Generator) -> torch.Tensor:
    """Five by five bumps over the image, each up or down."""
    change = torch.zeros_like(images)
    height, width = images.shape[2:]
    side = max(1, min(height, width) // 5)
    bump = _bump(side, side).to(images)
    for top in range((height % side) // 2, height - side + 1, side):
        for start in range((width % side) // 2, width - side + 1, side):
            signs = _signs((len(images), images.shape[1], 1, 1), images, random)
            change[:, :, top : top + side, start : start + side] = bump * signs
    return BALLS["L2"].project(images + _at_edge(change, epsilon), images, epsilon)


def _moved_bump(
    changed: torch.Tensor, images: torch.Tensor, epsilon: float, side: int, random: torch.Generator
) -> torch.Tensor:
    """What of the change is in one square, and what is not used of ε, goes into another, as a bump up and one down."""
    smallest = min(images.shape[2:])
    side = min(max(side, 3) | 1, smallest - (smallest + 1) % 2)  # odd
    change = changed - images
    rows, columns = _place(images, side, random)
    other_rows, other_columns = _place(images, side, random)
    window = change[:, :, rows, columns]
    union = torch.zeros_like(change, dtype=torch.bool)
    union[:, :, rows, columns] = union[:, :, other_rows, other_columns] = True
    unused = (epsilon**2 - change.square().flatten(1).sum(1)).clamp(min=0).view(-1, 1, 1, 1) / images.shape[1]
    length = (unused + (change * union).square().sum((2, 3), keepdim=True)).sqrt()
    signs = _signs((len(images), images.shape[1], 1, 1), images, random)
    new = _two_bumps(side, random).to(images) * signs + _of_length_one(window)
    change[:, :, other_rows, other_columns] = 0
    change[:, :, rows, columns] = _of_length_one(new) * length
    return BALLS["L2"].project(images + _at_edge(change, epsilon), images, epsilon)


def _at_edge(change: torch.Tensor, epsilon: float) -> torch.Tensor:
    return epsilon * BALLS["L2"].step(change)


def _of_length_one(windows: torch.Tensor) -> torch.Tensor:
    """Each channel of each window (N, C, H, W) by itself."""
    return windows / (windows.square().sum((2, 3), keepdim=True).sqrt() + TINY)


def _bump(height: int, width: int) -> torch.Tensor:
    """Larger towards the middle: rectangles one in the other, the k-th adding 1/k², of length 1 (height, width)."""
    bump = torch.zeros(height, width)
    most = max(height // 2 + 1, width // 2 + 1)
    top, start = height // 2, width // 2
    for number in range(most):
        rows = slice(max(top - number, 0), min(top + number + 1, height))
        columns = slice(max(start - number, 0), min(start + number + 1, width))
        bump[rows, columns] += 1 / (number + 1) ** 2
    return bump / bump.square().sum().sqrt()


def _two_bumps(side: int, random: torch.Generator) -> torch.Tensor:
    """One bump up and one down, beside or above each other, of length 1 together (side, side)."""
    half = side // 2
    bumps = torch.cat([_bump(half, side), -_bump(side - half, side)]) if half else _bump(side, side)
    bumps = bumps / bumps.square().sum().sqrt()
    return bumps.t() if float(torch.rand(1, generator=random)) > 0.5 else bumps


PROPOSALS = {"Linf": (_stripes, _square), "L2": (_tiles, _moved_bump)}
