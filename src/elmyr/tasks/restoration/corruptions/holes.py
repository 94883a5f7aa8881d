"""Pixels that are lost: black, or under paint, and where."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from elmyr.core import machine
from elmyr.tasks.restoration.corruptions.kinds import Applied, Apply, CorruptionKind, places, require_inside, uniform

STROKE = 9  # a brush is the side's ninth part thick
SCRATCH = 64  # a scratch is the side's 64th part thick, one pixel at least


def _black(images: torch.Tensor, hidden: torch.Tensor) -> Applied:
    return images.masked_fill(hidden, 0), hidden


def _missing(images: torch.Tensor, share: float, random: torch.Generator) -> Applied:
    draw = torch.rand(len(images), 1, *images.shape[2:], generator=random)
    pixels = draw[0].numel()
    count = min(math.floor(share * pixels + 0.5), pixels - 1)
    if not count:
        return images, torch.zeros_like(draw, dtype=torch.bool, device=images.device)
    hidden = draw <= draw.flatten(1).kthvalue(count).values.view(-1, 1, 1, 1)
    return _black(images, machine.to_device(hidden, images.device))


def square(images: torch.Tensor, side: int, random: torch.Generator) -> torch.Tensor:
    """A square of so many pixels anywhere inside each image: bool (N, 1, H, W)."""
    height, width = images.shape[2:]
    top, left = (
        (uniform(len(images), random, images.device) * (length - side + 1)).floor() for length in (height, width)
    )
    rows, columns = places(height, images, 2), places(width, images, 3)
    return (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)


def _block(images: torch.Tensor, side: float, random: torch.Generator) -> Applied:
    require_inside("block", side, images)
    return _black(images, square(images, int(side), random))


def _center(images: torch.Tensor, side: float, random: torch.Generator) -> Applied:
    require_inside("center", side, images)
    hidden = torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool, device=images.device)
    top, left = ((length - int(side)) // 2 for length in images.shape[2:])
    hidden[:, :, top : top + int(side), left : left + int(side)] = True
    return _black(images, hidden)


def _side(number: int | None) -> Apply:
    """What hides a share of each image from one of its sides: left, right, top or bottom, or any."""

    def apply(images: torch.Tensor, share: float, random: torch.Generator) -> Applied:
        height, width = images.shape[2:]
        drawn = (4 * uniform(len(images), random, images.device)).floor()
        which = drawn if number is None else torch.full_like(drawn, number)
        rows, columns = places(height, images, 2), places(width, images, 3)
        deep, wide = (min(round(share * length), length - 1) for length in (height, width))
        hidden = ((which == 0) & (columns < wide)) | ((which == 1) & (columns >= width - wide))
        hidden = hidden | ((which == 2) & (rows < deep)) | ((which == 3) & (rows >= height - deep))
        return _black(images, hidden)

    return apply


def _painted(images: torch.Tensor, count: float, random: torch.Generator, *, thick: int, bend: float) -> Applied:
    """So many curves across each image, in a gray of its own. bend: how far they leave the straight line."""
    n, (height, width) = len(images), images.shape[2:]
    ends = torch.rand(n, int(count), 3, 2, generator=random)  # begin, bend and end, as shares of the sides
    ends[:, :, 1] = ends[:, :, ::2].mean(2) + bend * (ends[:, :, 1] - 0.5)
    along = torch.linspace(0, 1, 2 * max(height, width)).view(-1, 1)
    weights = torch.cat([(1 - along).square(), 2 * along * (1 - along), along.square()], 1)  # of a Bézier curve
    points = (weights @ ends).clamp(0, 1) * torch.tensor([height - 1, width - 1])
    cells = points.round().long()
    drawn = torch.zeros(n, height * width).scatter_(1, (cells[..., 0] * width + cells[..., 1]).flatten(1), 1.0)
    wide = F.max_pool2d(drawn.view(n, 1, height, width), 2 * (thick // 2) + 1, stride=1, padding=thick // 2)
    hidden = machine.to_device(wide, images.device) > 0
    return torch.where(hidden, uniform(n, random, images.device), images), hidden


def _strokes(images: torch.Tensor, count: float, random: torch.Generator) -> Applied:
    return _painted(images, count, random, thick=max(1, min(images.shape[2:]) // STROKE), bend=1.0)


def _scratches(images: torch.Tensor, count: float, random: torch.Generator) -> Applied:
    return _painted(images, count, random, thick=max(1, min(images.shape[2:]) // SCRATCH), bend=0.2)


def _from_side(number: int | None, where: str, share: float) -> CorruptionKind:
    about, severity = f"{where} hidden", "share of the image"
    return CorruptionKind(
        _side(number), about, severity, 0.0, 0.95, usual=0.5, trained=(0.2, 0.6), hides=True, share=share
    )


def _square_kind(apply: Apply, about: str, share: float) -> CorruptionKind:
    return CorruptionKind(
        apply,
        about,
        "side in pixels",
        1,
        4096,
        usual=8,
        trained=(0.2, 0.55),
        whole=True,
        in_pixels=True,
        hides=True,
        share=share,
    )


HOLES = {
    "missing": CorruptionKind(
        _missing, "pixels missing here and there", "share", 0.0, 0.98, 0.5, trained=(0.1, 0.85), hides=True, share=2
    ),
    "block": _square_kind(_block, "a square hidden, anywhere", 2),
    "center": _square_kind(_center, "the square in the middle hidden", 0.5),
    "half": _from_side(None, "a half (left, right, top or bottom)", 2),
    "left": _from_side(0, "the left", 0),
    "right": _from_side(1, "the right", 0),
    "top": _from_side(2, "the top", 0),
    "bottom": _from_side(3, "the bottom", 0),
    "strokes": CorruptionKind(
        _strokes, "strokes of a thick brush", "how many", 1, 100, 2, trained=(1, 5), whole=True, hides=True
    ),
    "scratches": CorruptionKind(
        _scratches, "thin scratches", "how many", 1, 1000, 5, trained=(1, 12), whole=True, hides=True
    ),
}
