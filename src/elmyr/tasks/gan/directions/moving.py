"""Latents moved along directions: a figure is changed by so many standard deviations, and what should stay is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from elmyr.nets.latent_figures import LatentFigures

STEPS = 4  # in which a figure is followed: the gradient turns on the way
DAMPING = 1e-4  # of the system for a step, where gradients are nearly parallel or nearly none


@dataclass(frozen=True)
class FigureMove:
    """A figure, by its place among those that are read from latents, and the places of those that are held."""

    place: int
    held: tuple[int, ...]


@dataclass(frozen=True)
class LineMove:
    """A straight line: a unit vector (latent,)."""

    vector: torch.Tensor


Move = FigureMove | LineMove
Amount = float | torch.Tensor


def moved(
    latents: torch.Tensor,
    labels: torch.Tensor | None,
    moves: Sequence[tuple[Move, Amount]],
    reads: LatentFigures,
    *,
    code: int = 0,
) -> torch.Tensor:
    """Latents (N, latent) moved by all `moves`, each by its amount; by no amount they are given back as they are.

    An amount is one for all latents, or for a figure one for each (N,).

    Figures go first, all at once: a few steps along their gradients, those of the figures held projected out. Lines
    follow. Latents keep their length, since a generator knows no others. The first `code` entries are moved by lines of
    their own alone, and end at -1 and 1.
    """
    moves = [(move, amount) for move, amount in moves if isinstance(amount, torch.Tensor) or amount]
    if not moves:
        return latents
    figures = {move: amount for move, amount in moves if isinstance(move, FigureMove)}
    lengths = latents[:, code:].norm(dim=1, keepdim=True)
    if figures:
        latents = _followed(latents, labels, figures, reads, code, lengths)
    for move, amount in moves:
        if isinstance(move, LineMove):
            latents = _as_long(latents + amount * move.vector.to(latents), lengths, code)
    return latents


def _followed(
    latents: torch.Tensor,
    labels: torch.Tensor | None,
    amounts: Mapping[FigureMove, Amount],
    reads: LatentFigures,
    code: int,
    lengths: torch.Tensor,
) -> torch.Tensor:
    wanted = {move.place: amount for move, amount in amounts.items()}
    held = {place for move in amounts for place in move.held} - wanted.keys()
    places = [*wanted, *sorted(held)]
    with torch.no_grad():
        further = [torch.as_tensor(wanted.get(place, 0.0)).to(latents).expand(len(latents)) for place in places]
        aim = reads(latents, labels)[:, places] + torch.stack(further, 1)
    damping = DAMPING * torch.eye(len(places), device=latents.device)
    for step in range(STEPS):
        free = latents.detach().requires_grad_()
        with torch.enable_grad():
            figures = reads(free, labels)[:, places]
            gradients = torch.stack(
                [
                    torch.autograd.grad(figures[:, at].sum(), free, retain_graph=at + 1 < len(places))[0]
                    for at in range(len(places))
                ],
                1,
            )
        gradients[:, :, :code] = 0
        left = aim - figures.detach()
        left[:, : len(wanted)] /= STEPS - step
        across = gradients @ gradients.transpose(1, 2) + damping
        latents = latents + (gradients.transpose(1, 2) @ torch.linalg.solve(across, left.unsqueeze(2))).squeeze(2)
        latents = _as_long(latents, lengths, code)
    return latents


def _as_long(latents: torch.Tensor, lengths: torch.Tensor, code: int) -> torch.Tensor:
    normal = latents[:, code:]
    return torch.cat(
        [latents[:, :code].clamp(-1, 1), normal * (lengths / normal.norm(dim=1, keepdim=True).clamp_min(1e-12))], 1
    )
