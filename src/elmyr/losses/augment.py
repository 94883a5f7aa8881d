"""Differentiable augmentation of image batches, without a Python loop over samples.

`Augmentation` is what a discriminator sees its images through, real and generated alike, so that it cannot learn few
images by heart while the generator still learns the images as they are (DiffAugment, Zhao et al. 2020; ADA, Karras et
al. 2020). What a recognizer's training images are changed by: `elmyr.losses.policies`.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from elmyr.core import machine, seeds
from elmyr.losses.sampled import sampled


class AugmentationConfig(BaseModel):
    """How far each kind goes where it is applied: uniform within its amount; 0 leaves the kind out.

    The defaults are DiffAugment's kinds at its amounts, and gentle geometry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    probability: float = Field(0.0, ge=0, le=1, description="chance of each kind for each image, where it is fixed")
    padding: Literal["reflection", "border", "zeros"] = Field("reflection", description="what comes in from outside")
    horizontal_flip: bool = Field(False, description="mirrors left and right: not for digits")
    vertical_flip: bool = Field(False, description="mirrors top and bottom: not for digits")
    crop: float = Field(0.0, ge=0, lt=1, description="share of the side that a zoom into a window may lose")
    scale: float = Field(0.1, ge=0, description="larger or smaller by a factor of up to 1 + this")
    shear: float = Field(0.1, ge=0, description="columns that a row moves for each row up or down")
    rotation: float = Field(10.0, ge=0, le=180, description="degrees, either way")
    translation: float = Field(0.125, ge=0, lt=1, description="share of the side, in whole pixels, either way")
    brightness: float = Field(0.5, ge=0, description="added or taken; images span 2")
    saturation: float = Field(1.0, ge=0, le=1, description="color is 1 - this to 1 + this times as strong")
    contrast: float = Field(0.5, ge=0, le=1, description="contrast is 1 - this to 1 + this times as strong")
    noise: float = Field(0.0, ge=0, description="the most that the standard deviation of white noise is")
    cutout: float = Field(0.5, ge=0, le=1, description="side of the gray square, as a share of the image's")


class Augmentation:
    """Every image drawn anew: whether each kind is applied to it, and how far it goes."""

    def __init__(self, config: AugmentationConfig) -> None:
        self.config = config
        self.amounts = {kind: amount for kind in KINDS if (amount := float(getattr(config, kind))) > 0}

    def __call__(
        self, images: torch.Tensor, generator: seeds.Random, strength: float | torch.Tensor | None = None
    ) -> torch.Tensor:
        """The images (N, C, H, W), float32 or float64 of about [-1, 1], augmented; values may leave the range.

        Gradients pass to the images, and gradients of gradients too. `strength` is the chance of each kind for each
        image, a number or a 0-d tensor on the images' device (which is never waited for); the config's `probability`
        where it is None. Up to about 0.8 the generator does not learn to make augmented images (Karras et al. 2020).
        What an image is not drawn for leaves it as it is, to the bit. The draws are those of `generator`, and a kind's
        are the same whichever others are in use.
        """
        strength = self.config.probability if strength is None else strength
        draws = machine.to_device(seeds.uniform((len(KINDS), 4, len(images)), generator, axis=2), images.device)
        applied = {kind: draws[number, 0] < strength for number, kind in enumerate(KINDS)}
        return self._changed(images, draws, applied, generator)

    def by_some(self, images: torch.Tensor, generator: seeds.Random, count: int) -> torch.Tensor:
        """The images (N, C, H, W), each changed by `count` of the kinds in use, which are drawn for it alone."""
        draws = machine.to_device(seeds.uniform((len(KINDS), 4, len(images)), generator, axis=2), images.device)
        in_use = [number for number, kind in enumerate(KINDS) if kind in self.amounts]
        rank = draws[in_use, 0].argsort(0).argsort(0)
        applied = {KINDS[number]: rank[place] < count for place, number in enumerate(in_use)}
        return self._changed(images, draws, applied, generator)

    def _changed(
        self, images: torch.Tensor, draws: torch.Tensor, applied: dict[str, torch.Tensor], generator: seeds.Random
    ) -> torch.Tensor:
        signed = {kind: 2 * draws[number, 1:] - 1 for number, kind in enumerate(KINDS)}
        images = self._moved(images, applied, signed)
        for kind, change in APPEARANCE.items():
            if kind in self.amounts:
                draw = signed[kind].view(3, -1, 1, 1, 1)
                changed = change(images, draw, self.amounts[kind], generator)
                images = torch.where(applied[kind].view(-1, 1, 1, 1), changed, images)
        return images

    def _moved(
        self, images: torch.Tensor, applied: dict[str, torch.Tensor], signed: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        kinds = [kind for kind in GEOMETRY if kind in self.amounts]
        if not kinds:
            return images
        sides = images.shape[-2:]
        whole = _identity(signed[kinds[0]])
        for kind in kinds:
            # An undrawn kind has draws of zero, which every map of GEOMETRY makes the identity.
            step = GEOMETRY[kind](signed[kind] * applied[kind], self.amounts[kind], sides)
            # The matrix product, but never rounded to bf16 or TF32 as `matmul` may be.
            whole = (whole.unsqueeze(-1) * step.unsqueeze(-3)).sum(-2)
        moved = sampled(images, _grid(whole, sides, images.dtype), self.config.padding)
        return torch.where(torch.stack([applied[kind] for kind in kinds]).any(0).view(-1, 1, 1, 1), moved, images)


# The geometric kinds: maps (N, 3, 3) from places in the output to places in the input, in pixels (column, row, 1) from
# the image's center. `draws` (3, N) are uniform in [-1, 1); zeros give the identity.


def _identity(draws: torch.Tensor) -> torch.Tensor:
    return torch.eye(3, device=draws.device).repeat(draws.shape[1], 1, 1)


def _horizontal_flip(draws: torch.Tensor, amount: float, sides: torch.Size) -> torch.Tensor:
    """Half of the images that it is applied to are mirrored, the others are not."""
    flip = _identity(draws)
    flip[:, 0, 0] -= 2 * (draws[0] < 0).float()
    return flip


def _vertical_flip(draws: torch.Tensor, amount: float, sides: torch.Size) -> torch.Tensor:
    flip = _identity(draws)
    flip[:, 1, 1] -= 2 * (draws[0] < 0).float()
    return flip


def _crop(draws: torch.Tensor, amount: float, sides: torch.Size) -> torch.Tensor:
    """A window of 1 - `amount` to 1 of the sides, anywhere inside, becomes the image."""
    height, width = sides
    lost = amount * draws[0].abs()
    crop = (1 - lost).view(-1, 1, 1) * _identity(draws)
    crop[:, 0, 2] = draws[1] * lost * width / 2
    crop[:, 1, 2] = draws[2] * lost * height / 2
    crop[:, 2, 2] = 1
    return crop


def _scale(draws: torch.Tensor, amount: float, sides: torch.Size) -> torch.Tensor:
    factor = torch.exp(-draws[0] * math.log1p(amount))
    scale = _identity(draws)
    scale[:, 0, 0] = factor
    scale[:, 1, 1] = factor
    return scale


def _shear(draws: torch.Tensor, amount: float, sides: torch.Size) -> torch.Tensor:
    shear = _identity(draws)
    shear[:, 0, 1] = draws[0] * amount
    return shear


def _rotation(draws: torch.Tensor, amount: float, sides: torch.Size) -> torch.Tensor:
    angle = draws[0] * math.radians(amount)
    rotation = _identity(draws)
    rotation[:, 0, 0] = rotation[:, 1, 1] = torch.cos(angle)
    rotation[:, 1, 0] = torch.sin(angle)
    rotation[:, 0, 1] = -rotation[:, 1, 0]
    return rotation


def _translation(draws: torch.Tensor, amount: float, sides: torch.Size) -> torch.Tensor:
    height, width = sides
    translation = _identity(draws)
    translation[:, 0, 2] = _whole(draws[0], round(amount * width))
    translation[:, 1, 2] = _whole(draws[1], round(amount * height))
    return translation


def _whole(draws: torch.Tensor, most: int) -> torch.Tensor:
    """[-1, 1) in equal parts onto the whole numbers from -most to most."""
    return torch.floor((draws + 1) / 2 * (2 * most + 1)) - most


def _grid(maps: torch.Tensor, sides: torch.Size, dtype: torch.dtype) -> torch.Tensor:
    """Where each output pixel is read, (N, H, W, 2), as `grid_sample` counts: the image's edges are at -1 and 1."""
    height, width = sides
    rows = (torch.arange(height, device=maps.device) - (height - 1) / 2).view(-1, 1)
    columns = torch.arange(width, device=maps.device) - (width - 1) / 2
    across, down = (
        (m[:, 0, None, None] * columns + m[:, 1, None, None] * rows + m[:, 2, None, None]) * 2 / side
        for m, side in ((maps[:, 0], width), (maps[:, 1], height))
    )
    return torch.stack([across, down], -1).to(dtype)


# The kinds of appearance: images (N, C, H, W) to images. `draws` (3, N, 1, 1, 1) are uniform in [-1, 1).


def _brightness(images: torch.Tensor, draws: torch.Tensor, amount: float, generator: seeds.Random) -> torch.Tensor:
    return images + draws[0] * amount


def _saturation(images: torch.Tensor, draws: torch.Tensor, amount: float, generator: seeds.Random) -> torch.Tensor:
    gray = images.mean(1, keepdim=True)
    return gray + (images - gray) * (1 + draws[0] * amount)


def _contrast(images: torch.Tensor, draws: torch.Tensor, amount: float, generator: seeds.Random) -> torch.Tensor:
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (1 + draws[0] * amount)


def _noise(images: torch.Tensor, draws: torch.Tensor, amount: float, generator: seeds.Random) -> torch.Tensor:
    noise = machine.to_device(seeds.normal(images.shape, generator), images.device)
    return images + noise * draws[0].abs() * amount


def _cutout(images: torch.Tensor, draws: torch.Tensor, amount: float, generator: seeds.Random) -> torch.Tensor:
    """A square about any point of the image, which may lie partly outside, becomes mid-gray."""
    height, width = images.shape[-2:]
    rows = (torch.arange(height, device=images.device).view(-1, 1) + 0.5) * 2 / height - 1
    columns = (torch.arange(width, device=images.device) + 0.5) * 2 / width - 1
    inside = ((rows - draws[0]).abs() < amount) & ((columns - draws[1]).abs() < amount)
    return images.masked_fill(inside, 0)


GEOMETRY: dict[str, Callable[[torch.Tensor, float, torch.Size], torch.Tensor]] = {
    "horizontal_flip": _horizontal_flip,
    "vertical_flip": _vertical_flip,
    "crop": _crop,
    "scale": _scale,
    "shear": _shear,
    "rotation": _rotation,
    "translation": _translation,
}
APPEARANCE: dict[str, Callable[[torch.Tensor, torch.Tensor, float, seeds.Random], torch.Tensor]] = {
    "brightness": _brightness,
    "saturation": _saturation,
    "contrast": _contrast,
    "noise": _noise,
    "cutout": _cutout,
}
KINDS = (*GEOMETRY, *APPEARANCE)  # in the order in which they are applied


class AdaptiveStrength(nn.Module):
    """A strength that follows the discriminator's overfitting (ADA, Karras et al. 2020).

    Where the mean sign of the logits of real training images is above `target`, the discriminator knows them too well,
    and the strength rises; else it falls. Its speed is fixed: from 0 to 1 in `ramp` images. It moves once in `window`
    images, by the mean over these. The state is in buffers, so that checkpoints carry it.
    """

    strength: torch.Tensor
    signs: torch.Tensor
    seen: torch.Tensor

    def __init__(self, target: float = 0.6, ramp: int = 500_000, window: int = 256) -> None:
        super().__init__()
        self.target, self.ramp, self.window = target, ramp, window
        for name in ("strength", "signs", "seen"):
            self.register_buffer(name, torch.zeros(()))

    @torch.no_grad()
    def update(self, real_logits: torch.Tensor, images: int) -> None:
        """Takes in the logits (N,) of the real images of one update, which advanced the training by `images` images.

        Of a relativistic game, whose logits have no zero, these are the differences real - fake. With many processes:
        the logits of all of them. Nothing is copied to the host.
        """
        self.seen += images
        self.signs += torch.sign(real_logits).float().mean() * images
        due = self.seen >= self.window
        step = torch.sign(self.signs / self.seen - self.target) * self.seen / self.ramp
        self.strength.add_(step * due).clamp_(0, 1)
        self.seen *= ~due
        self.signs *= ~due
