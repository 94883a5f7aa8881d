"""The latents of given images: the nearest ones that a GAN makes, and what becomes of them when the latents change.

Projection on what a generator can make (Zhu et al. 2016, "Generative visual manipulation on the natural image
manifold"), without an encoder: the search begins at the nearest of a few thousand samples. An encoder, trained on
samples for a minute and a half, began nearer and ended no better after as many steps (benchmarks/results).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.tasks.gan.editing.search import PICTURES, Aim, Bank, Candidates, Course, bank_of, search
from elmyr.tasks.gan.model import CHUNK, GAN, to_unit
from elmyr.tasks.gan.sampling.asked import asked_labels
from elmyr.tasks.gan.sampling.moves import Move, changes_of

OF_KNOWN_CLASS: Course = ((4, 20), (1, 60))  # candidates a picture, and steps with them
OF_ANY_CLASS: Course = ((12, 10), (3, 20), (1, 60))
PRIOR = 1e-2  # so that the latent stays among those that were trained: what is edited stays an image of its class


@dataclass(frozen=True)
class Latents:
    """The latents of N images in a GAN.

    latents: float32 (N, latent); labels: int64 (N,), the classes that the images show, None for a GAN without classes;
    images: uint8 (N, H, W, C), what the GAN makes of them, the nearest to those that were given; errors: float64 (N,),
    how far from these: mean squared error of pixels from 0 to 1.
    """

    gan: GAN
    latents: torch.Tensor
    labels: torch.Tensor | None
    images: NDArray[np.uint8]
    errors: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.latents)

    @checked
    def edited(self, *, move: Move = None, label: int | str | None = None) -> NDArray[np.uint8]:
        """The images uint8 (N, H, W, C) of the latents moved, or of another class, or both.

        move: as `GAN.sample` takes it, such as {"slant": -1}; label: a class by its name or number. InputError for an
        unknown one, and for directions that the GAN has not.
        """
        labels = self.labels if label is None else _shown(self.gan, label, len(self))
        return _images(self.gan, changes_of(self.gan, move)(self.latents, labels), labels)

    def every_class(self, *, move: Move = None) -> NDArray[np.uint8]:
        """What the same latents are in each of the K classes, as if by the same hand: uint8 (N, K, H, W, C)."""
        classes = self.gan.config.classes
        if not classes:
            raise InputError("the GAN has no classes: leave out the label")
        return np.stack([self.edited(move=move, label=number) for number in range(len(classes))], 1)

    def as_json(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """An entry for each image, by its name."""
        shown = [None] * len(self) if self.labels is None else self.labels.tolist()
        classes = self.gan.config.classes
        return [
            {"image": name, "class": None if label is None else classes[label], "mean_squared_error": float(error)}
            for name, label, error in zip(names, shown, self.errors, strict=True)
        ]


@checked
def find_latents(
    gan: GAN,
    images: ArrayLike,
    labels: int | str | Sequence[int | str] | NDArray[Any] | None = None,
    *,
    seed: int = 0,
    bank: Bank | None = None,
) -> Latents:
    """The latents whose images are the nearest to images uint8 (N, H, W, C) of the GAN's own size.

    labels: the class that the images show, or one for each, by names or numbers; without them every class is tried,
    and that of the nearest image taken, which takes twice as long. seed: of the samples that the search begins at;
    bank: these, where they are made already. InputError for images of another size, and for a class that the GAN has
    not.
    """
    pixels = as_pixels(gan, images)
    shown = _shown(gan, labels, len(pixels))
    bank, found = bank or bank_of(gan, seed), []
    for start in range(0, len(pixels), PICTURES):
        some = slice(start, start + PICTURES)
        seen = to_unit(torch.from_numpy(pixels[some]).to(gan.device).permute(0, 3, 1, 2))
        of_class = None if shown is None else shown[some].to(gan.device)
        course = OF_KNOWN_CLASS if shown is not None or not gan.config.classes else OF_ANY_CLASS
        aim = Aim(seen, torch.ones_like(seen[:, :1]), of_class, prior=PRIOR)
        found.append(search(gan, bank, aim, course))
    return _joined(gan, found, pixels)


def _joined(gan: GAN, found: Sequence[Candidates], pixels: NDArray[np.uint8]) -> Latents:
    latents = torch.cat([each.latents[:, 0] for each in found]).cpu()
    labels = None
    if gan.config.classes:
        labels = torch.cat([each.labels[:, 0] for each in found if each.labels is not None]).cpu()
    images = _images(gan, latents, labels)
    apart = (images.astype(np.float64) - pixels) / 255
    return Latents(gan, latents, labels, images, np.square(apart).mean((1, 2, 3)))


def _images(gan: GAN, latents: torch.Tensor, labels: torch.Tensor | None) -> NDArray[np.uint8]:
    parts = [slice(start, start + CHUNK) for start in range(0, len(latents), CHUNK)]
    return np.concatenate([gan.make(latents[part], None if labels is None else labels[part]) for part in parts])


def as_pixels(gan: GAN, images: ArrayLike) -> NDArray[np.uint8]:
    """Images as uint8 (N, H, W, C) of the GAN's own size; InputError for others."""
    pixels, config = np.asarray(images), gan.config
    pixels = pixels[..., None] if pixels.ndim == 3 and config.channels == 1 else pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or not len(pixels):
        raise InputError(f"the images are {pixels.dtype} of the shape {pixels.shape}: give uint8 (N, H, W, C)")
    if pixels.shape[1:] != (config.height, config.width, config.channels):
        height, width, channels = pixels.shape[1:]
        raise InputError(
            f"the images are {height}x{width} with {channels} channels, the GAN makes "
            f"{config.height}x{config.width} with {config.channels}: bring them into this form"
        )
    return np.require(pixels, requirements=["C", "W"])


def _shown(gan: GAN, labels: Any, count: int) -> torch.Tensor | None:
    asked = asked_labels(gan.config.classes, (), count, labels)
    return None if asked is None or labels is None else torch.from_numpy(asked(0, count))
