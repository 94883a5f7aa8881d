"""Repair with a plain GAN: the latents whose images agree with the known pixels.

After Yeh et al. 2017, "Semantic image inpainting with deep generative models": no training for the damage is needed.
Here the search begins at many latents of every class, all pictures and candidates at once, and drops the worse ones on
the way.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from elmyr.core import machine
from elmyr.core.errors import InputError
from elmyr.tasks.gan.editing.search import PICTURES, Aim, Candidates, bank_of, search
from elmyr.tasks.gan.model import GAN, to_pixels, to_unit
from elmyr.tasks.restoration.repair import Repair, checked, deviation, require_channels

COURSE = ((24, 15), (10, 25), (4, 40))  # candidates a picture, and steps with them
MOST_ANSWERS = COURSE[0][0]


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
    bank = bank_of(gan, seed)
    for start in range(0, len(pixels), PICTURES):
        some = slice(start, start + PICTURES)
        seen = to_unit(torch.from_numpy(pixels[some]).to(gan.device).permute(0, 3, 1, 2))
        known = torch.ones_like(seen[:, :1])
        if hidden is not None:
            known = torch.from_numpy(~hidden[some]).to(gan.device).unsqueeze(1).to(seen.dtype)
        course = [(count, round(steps * effort)) for count, steps in COURSE]
        candidates = search(gan, bank, Aim(seen, known), course, left=answers)
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


@torch.no_grad()
def _made(gan: GAN, candidates: Candidates, pictures: int) -> NDArray[np.uint8]:
    """The images of all candidates: uint8 (K, P, H, W, C)."""
    labels = None if candidates.labels is None else candidates.labels.flatten()
    with machine.autocast(gan.device, gan.precision):
        made = gan.generator(candidates.latents.flatten(0, 1), labels)
    images = to_pixels(made).permute(0, 2, 3, 1).cpu().numpy()
    return np.asarray(images.reshape(pictures, -1, *images.shape[1:]).swapaxes(0, 1))
