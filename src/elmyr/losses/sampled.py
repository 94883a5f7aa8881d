"""Images read between their pixels: bilinear `grid_sample`, differentiable in the images as often as one likes."""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
from torch.nn import functional as F


def sampled(images: torch.Tensor, grid: torch.Tensor, padding: str) -> torch.Tensor:
    """Images (N, C, H, W) read at the places of a grid (N, H', W', 2): (N, C, H', W').

    grid, padding: as `grid_sample` has them, its corners not aligned. Gradients pass to the images, not to the grid.
    """
    return _Sample.apply(images, grid, padding)  # type: ignore[no-untyped-call,no-any-return]  # torch's own


class _Sample(torch.autograd.Function):
    """Penalties of gradients differentiate twice, which torch's own does not before 2.13. It is linear in the images,
    so its backward is its adjoint, and the adjoint's backward is it again.
    """

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, grid: torch.Tensor, padding: str) -> torch.Tensor:
        ctx.save_for_backward(grid)
        ctx.padding, ctx.shape = padding, images.shape
        return _bilinear(images, grid, padding)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return _Adjoint.apply(gradient, grid, ctx.padding, ctx.shape), None, None  # type: ignore[no-untyped-call]  # torch's own


class _Adjoint(torch.autograd.Function):
    """Gives what each output pixel holds back to the input pixels that it was read from."""

    @staticmethod
    def forward(ctx: Any, given: torch.Tensor, grid: torch.Tensor, padding: str, shape: torch.Size) -> torch.Tensor:
        ctx.save_for_backward(grid)
        ctx.padding = padding
        if given.device.type != "cpu" and torch.are_deterministic_algorithms_enabled():
            return given_back(given, grid, padding, shape)
        with torch.enable_grad():
            images = given.new_zeros(shape).requires_grad_()
            read = _bilinear(images, grid, padding)
        return torch.autograd.grad(read, images, given)[0]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (grid,) = ctx.saved_tensors
        return sampled(gradient, grid, ctx.padding), None, None, None


def _bilinear(images: torch.Tensor, grid: torch.Tensor, padding: str) -> torch.Tensor:
    return F.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def given_back(given: torch.Tensor, grid: torch.Tensor, padding: str, shape: torch.Size) -> torch.Tensor:
    """The adjoint in one order of sums: what torch has no algorithm for on a GPU, by `index_add_`, for which it has."""
    count, channels, height, width = shape
    across, down = (_inside(grid[..., axis], side, padding) for axis, side in ((0, width), (1, height)))
    total = given.new_zeros(count * height * width, channels)
    first = torch.arange(count, device=given.device).view(-1, 1, 1) * (height * width)
    for right, below in product((0, 1), repeat=2):  # the four pixels around each place
        column, row = across.floor() + right, down.floor() + below
        weight = (1 - (across - column).abs()) * (1 - (down - row).abs())
        weight = weight * ((column >= 0) & (column < width) & (row >= 0) & (row < height))
        pixel = first + (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).long()
        total.index_add_(0, pixel.flatten(), (given * weight[:, None]).permute(0, 2, 3, 1).reshape(-1, channels))
    return total.view(count, height, width, channels).permute(0, 3, 1, 2)


def _inside(places: torch.Tensor, side: int, padding: str) -> torch.Tensor:
    """Places in [-1, 1] along a side as numbers of pixels, brought into it as the padding says."""
    pixels = ((places + 1) * side - 1) / 2
    if padding == "zeros":
        return pixels
    if padding == "reflection":  # about the outer edges of the first and of the last pixel
        over = (pixels + 0.5).abs()
        turns = (over / side).floor()
        beyond = over - turns * side
        pixels = torch.where(turns % 2 == 0, beyond, side - beyond) - 0.5
    return pixels.clamp(0, side - 1)
