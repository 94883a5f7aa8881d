"""Repair with a plain GAN: the latents whose images agree with the known pixels.

After Yeh et al. 2017, "Semantic image inpainting with deep generative models": no training for the damage is needed.
Here the search begins at many latents of every class, all pictures and candidates at once, and drops the worse ones on
the way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from elmyr.core import machine, seeds, threads
from elmyr.core.errors import InputError
from elmyr.engine.optimization.optimizers import Adam
from elmyr.tasks.gan.augmented_view import within_range
from elmyr.tasks.gan.model import GAN, to_pixels, to_unit
from elmyr.tasks.restoration.repair import Repair, checked, deviation, require_channels

BANK = 4_000  # samples that each picture is first compared with, at most
BANK_VALUES = 1 << 24  # of all of them
PICTURES = 25  # at a time
COURSE = ((24, 15), (10, 25), (4, 40))  # candidates a picture, and steps with them
MOST_ANSWERS = COURSE[0][0]
LEARNING_RATE = 0.1
PRIOR = 1e-3  # weight of the latent's mean square, against the known pixels' mean square error


class _Candidates(NamedTuple):
    """Latents (P, K, latent) and labels (P, K) or None, for P pictures."""

    latents: torch.Tensor
    labels: torch.Tensor | None

    def kept(self, places: torch.Tensor) -> _Candidates:
        """Those at some places (P, k)."""
        labels = None if self.labels is None else self.labels.gather(1, places)
        entries = places.unsqueeze(2).expand(-1, -1, self.latents.shape[2])
        return _Candidates(self.latents.gather(1, entries), labels)


def invert(
    gan: GAN, images: ArrayLike, masks: ArrayLike | None = None, *, answers: int = 1, effort: float = 1.0, seed: int = 0
) -> Repair:
    """Repairs images uint8 (N, H, W, C) of the GAN's own size by the images that it can make.

    masks: bool (N, H, W), true where hidden: known pixels stay as they are, to the bit; without masks the nearest image
    that the GAN makes takes the place of the whole. answers: from different beginnings, the best first. effort: a
    factor of the steps. Raises InputError for images of another shape, and where `Restorer.restore` does.
    """
    pixels, hidden = checked(images, masks, channels=gan.config.channels, answers=answers)
    require_invertible(gan, pixels.shape[1:], answers)
    if not effort > 0:
        raise InputError(f"the effort is {effort}: it is more than 0")
    repair = Repair.room_for(pixels, answers)
    bank = _bank(gan, seed)
    for start in range(0, len(pixels), PICTURES):
        some = slice(start, start + PICTURES)
        seen = to_unit(torch.from_numpy(pixels[some]).to(gan.device).permute(0, 3, 1, 2))
        known = torch.ones_like(seen[:, :1])
        if hidden is not None:
            known = torch.from_numpy(~hidden[some]).to(gan.device).unsqueeze(1).to(seen.dtype)
        candidates = _nearest(bank, seen, known, COURSE[0][0])
        for place, (_, steps) in enumerate(COURSE):
            left = max(answers, COURSE[place + 1][0] if place + 1 < len(COURSE) else 1)
            candidates = _searched(gan, candidates, seen, known, max(1, round(steps * effort)), left)
        made = _made(gan, candidates, len(seen))
        several = made if hidden is None else np.where(hidden[some][None, ..., None], made, pixels[some])
        repair.images[some] = several[0]
        if answers > 1:
            repair.answers[:, some] = several[:answers]
            repair.uncertainty[some] = deviation(several[:answers])
    return repair


def require_invertible(gan: GAN, shape: tuple[int, ...], answers: int, what: str = "the images are") -> None:
    """InputError where `invert` does not take images (H, W, C), or does not give so many answers."""
    config = gan.config
    require_channels(shape[2], config.channels, what)
    if shape[:2] != (config.height, config.width):
        raise InputError(
            f"{what} {shape[0]}x{shape[1]}, the GAN makes {config.height}x{config.width}: make it this size, or take a "
            "restorer, which takes any"
        )
    if answers > MOST_ANSWERS:
        raise InputError(f"{answers} answers are asked for: inversion gives {MOST_ANSWERS} at most")


class _Bank(NamedTuple):
    latents: torch.Tensor
    labels: torch.Tensor | None
    images: torch.Tensor


@torch.no_grad()
def _bank(gan: GAN, seed: int) -> _Bank:
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
    return _Bank(latents, labels, torch.cat(parts))


def _nearest(bank: _Bank, seen: torch.Tensor, known: torch.Tensor, count: int) -> _Candidates:
    """Of each picture the nearest samples by the known pixels: the best of every class, then the best of all."""
    samples = bank.images.flatten(1)
    mask = known.expand_as(seen).flatten(1)
    error = mask @ samples.square().T - 2 * (mask * seen.flatten(1)) @ samples.T  # less what is the same for all
    if bank.labels is not None:
        classes = int(bank.labels.max()) + 1
        best = torch.stack(
            [error.masked_fill(bank.labels != label, torch.inf).argmin(1) for label in range(classes)], 1
        )
        error = error.scatter(1, best, float(error.min()) - 1)  # these come first
        count = max(count, classes)
    places = error.topk(min(count, error.shape[1]), largest=False).indices
    return _Candidates(bank.latents[places], None if bank.labels is None else bank.labels[places])


def _searched(
    gan: GAN,
    candidates: _Candidates,
    seen: torch.Tensor,
    known: torch.Tensor,
    steps: int,
    left: int,
) -> _Candidates:
    """So many steps of Adam with every candidate, then the best ones, the best first."""
    pictures, count, entries = candidates.latents.shape
    latents = candidates.latents.reshape(-1, entries).clone().requires_grad_()
    labels = None if candidates.labels is None else candidates.labels.flatten()
    truth, mask = (each.repeat_interleave(count, 0) for each in (seen, known))
    pixels = mask.expand_as(truth).sum((1, 2, 3))
    optimizer = Adam([latents], lr=LEARNING_RATE, betas=(0.9, 0.99))
    for _ in range(steps):
        threads.look()
        with machine.autocast(gan.device, gan.precision):
            made = gan.generator(latents, labels)
        apart = (mask * (within_range(made.float()) - truth)).square().sum((1, 2, 3)) / pixels
        error = apart + PRIOR * latents.square().mean(1)
        (latents.grad,) = torch.autograd.grad(error.sum(), latents)
        optimizer.step()
    places = error.detach().view(pictures, count).topk(min(left, count), largest=False).indices
    found = _Candidates(latents.detach().view(pictures, count, entries), candidates.labels)
    return found.kept(places)


@torch.no_grad()
def _made(gan: GAN, candidates: _Candidates, pictures: int) -> NDArray[np.uint8]:
    """The images of all candidates: uint8 (K, P, H, W, C)."""
    labels = None if candidates.labels is None else candidates.labels.flatten()
    with machine.autocast(gan.device, gan.precision):
        made = gan.generator(candidates.latents.flatten(0, 1), labels)
    images = to_pixels(made).permute(0, 2, 3, 1).cpu().numpy()
    return np.asarray(images.reshape(pictures, -1, *images.shape[1:]).swapaxes(0, 1))
