"""Latents whose images are nearest to given ones: the search that repairs, edits and explains.

It begins at many latents, all pictures and candidates at once, and drops the worse ones on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from elmyr.core import machine, seeds, threads
from elmyr.engine.optimization.optimizers import Adam
from elmyr.tasks.gan.augmented_view import within_range
from elmyr.tasks.gan.model import GAN

BANK = 4_000  # samples that each picture is first compared with, at most
BANK_VALUES = 1 << 24  # of all of them
PICTURES = 25  # at a time
LEARNING_RATE = 0.1
PRIOR = 1e-3
Course = Sequence[tuple[int, int]]  # candidates a picture, and steps with them


class Candidates(NamedTuple):
    """Latents (P, K, latent) and labels (P, K) or None, for P pictures."""

    latents: torch.Tensor
    labels: torch.Tensor | None

    def kept(self, places: torch.Tensor) -> Candidates:
        """Those at some places (P, k)."""
        labels = None if self.labels is None else self.labels.gather(1, places)
        entries = places.unsqueeze(2).expand(-1, -1, self.latents.shape[2])
        return Candidates(self.latents.gather(1, entries), labels)


class Bank(NamedTuple):
    """Samples: latents (N, latent), labels (N,) or None, images (N, C, H, W) in [-1, 1]."""

    latents: torch.Tensor
    labels: torch.Tensor | None
    images: torch.Tensor


@torch.no_grad()
def bank_of(gan: GAN, seed: int) -> Bank:
    """Samples, the classes in turn."""
    config = gan.config
    count = max(1, min(BANK, BANK_VALUES // (config.height * config.width * config.channels)))
    latents = config.latents(count, seeds.generator(seed, "inversion")).to(gan.device)
    classes = len(config.classes)
    labels = torch.arange(count, device=gan.device) % classes if classes else None
    parts = []
    for some in torch.split(torch.arange(count, device=gan.device), 250):
        with machine.autocast(gan.device, gan.precision):
            parts.append(gan.generator(latents[some], None if labels is None else labels[some]).float().clamp(-1, 1))
    return Bank(latents, labels, torch.cat(parts))


@dataclass(frozen=True)
class Aim:
    """What images should be like.

    seen: pictures (P, C, H, W) in [-1, 1], which they should be near to, where known: (P, 1, H, W), 1 where pixels
    count, else 0. labels: int64 (P,), the classes that they are made as; every one is tried where it is None. prior:
    the weight of the latent's mean square, against the known pixels' mean square error. also: what else should be
    small, of images (N, C, H, W) and the places (N,) of their pictures, a loss (N,).
    """

    seen: torch.Tensor
    known: torch.Tensor
    labels: torch.Tensor | None = None
    prior: float = PRIOR
    also: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None

    def error(self, made: torch.Tensor, latents: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """How far images (N, C, H, W) of latents (N, latent) are from those that are aimed at: (N,)."""
        known = self.known[places]
        squares = (known * (within_range(made) - self.seen[places])).square().sum((1, 2, 3))
        error = squares / known.expand_as(made).sum((1, 2, 3)) + self.prior * latents.square().mean(1)
        return error if self.also is None else error + self.also(made, places)


def search(gan: GAN, bank: Bank, aim: Aim, course: Course, *, left: int = 1) -> Candidates:
    """The `left` best of all candidates for the pictures of an aim, the best first."""
    candidates = _nearest(bank, aim, course[0][0])
    for place, (_, steps) in enumerate(course):
        going_on = max(left, course[place + 1][0] if place + 1 < len(course) else 1)
        candidates = _searched(gan, candidates, aim, max(1, steps), going_on)
    return candidates


def _nearest(bank: Bank, aim: Aim, count: int) -> Candidates:
    """Of each picture the nearest samples by the known pixels: of its class, else first the best of every class."""
    samples = bank.images.flatten(1)
    mask = aim.known.expand_as(aim.seen).flatten(1)
    error = mask @ samples.square().T - 2 * (mask * aim.seen.flatten(1)) @ samples.T  # less what is the same for all
    if bank.labels is not None and aim.labels is not None:
        error = error.masked_fill(bank.labels != aim.labels[:, None], torch.inf)
        count = min(count, int(torch.bincount(bank.labels).min()))
    elif bank.labels is not None:
        classes = int(bank.labels.max()) + 1
        best = torch.stack(
            [error.masked_fill(bank.labels != label, torch.inf).argmin(1) for label in range(classes)], 1
        )
        error = error.scatter(1, best, float(error.min()) - 1)  # these come first
        count = max(count, classes)
    places = error.topk(min(count, error.shape[1]), largest=False).indices
    return Candidates(bank.latents[places], None if bank.labels is None else bank.labels[places])


def _searched(gan: GAN, candidates: Candidates, aim: Aim, steps: int, left: int) -> Candidates:
    """So many steps of Adam with every candidate, then the best ones, the best first."""
    pictures, count, entries = candidates.latents.shape
    latents = candidates.latents.reshape(-1, entries).clone().requires_grad_()
    labels = None if candidates.labels is None else candidates.labels.flatten()
    places = torch.arange(pictures, device=latents.device).repeat_interleave(count)
    optimizer = Adam([latents], lr=LEARNING_RATE, betas=(0.9, 0.99))
    for _ in range(steps):
        threads.look()
        with machine.autocast(gan.device, gan.precision):
            made = gan.generator(latents, labels)
        error = aim.error(made.float(), latents, places)
        (latents.grad,) = torch.autograd.grad(error.sum(), latents)
        optimizer.step()
    best = error.detach().view(pictures, count).topk(min(left, count), largest=False).indices
    found = Candidates(latents.detach().view(pictures, count, entries), candidates.labels)
    return found.kept(best)
