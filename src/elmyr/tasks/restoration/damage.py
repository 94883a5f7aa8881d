"""Which damage is done to images: read from words such as `block:14,noise:0.2`, drawn for training, applied."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core import seeds
from elmyr.core.errors import InputError, suggestion
from elmyr.images import Pixels
from elmyr.tasks.restoration.corruptions import KINDS, CorruptionKind
from elmyr.tasks.restoration.repair import require_pixels

ANY = "any"
GROUP = 4  # images of a batch that have the same kinds and severities of `any`
SECOND = 0.2  # of the groups have a second kind of damage on top
CHUNK_PIXELS = 1 << 20
NUMBER = r"\d*\.?\d+(?:[eE][-+]?\d+)?"
PART = re.compile(rf"([^:\s]+)(?::({NUMBER})(?:-({NUMBER}))?)?")


class Damaged(NamedTuple):
    """Damaged images uint8 (N, H, W, C), and which of their pixels are hidden: bool (N, H, W), None where none are."""

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_] | None


# Images float (N, C, H, W) in [0, 1] and a CPU generator to the damaged images, or these and masks bool (N, 1, H, W).
Function = Callable[[torch.Tensor, torch.Generator], torch.Tensor | tuple[torch.Tensor, torch.Tensor]]
Tensors = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class DamagePart:
    """A kind of damage with the range that its severity is drawn from."""

    name: str
    least: float
    most: float

    @property
    def kind(self) -> CorruptionKind:
        """What is done."""
        return KINDS[self.name]

    def __call__(self, images: torch.Tensor, random: torch.Generator) -> Tensors:
        """The images damaged with one severity, and their masks."""
        severity = self.least
        if self.most > self.least:
            share = float(torch.rand(1, generator=random))
            wide = self.most - self.least
            severity += math.floor(share * (wide + 1)) if self.kind.whole else share * wide
        damaged, masks = self.kind.apply(images, severity, random)
        return _as_saved(damaged), _nothing_hidden(images) if masks is None else masks


@dataclass(frozen=True)
class Chain:
    """Kinds of damage one after the other; one that would hide all that is left of an image is left out for it."""

    parts: tuple[DamagePart, ...]

    @property
    def hides(self) -> bool:
        """Whether it may hide pixels."""
        return any(part.kind.hides for part in self.parts)

    def __call__(self, images: torch.Tensor, random: torch.Generator) -> Tensors:
        """The images damaged by all parts, and what any of them hides."""
        masks = _nothing_hidden(images)
        for part in self.parts:
            damaged, hidden = part(images, random)
            wholly = (masks | hidden).flatten(1).all(1).view(-1, 1, 1, 1)
            images, masks = torch.where(wholly, images, damaged), torch.where(wholly, masks, masks | hidden)
        return images, masks


class AnyDamage:
    """What a restorer of any damage is trained on: every few images another kind, or two, of another severity."""

    hides = True

    def __call__(self, images: torch.Tensor, random: torch.Generator) -> Tensors:
        """The images damaged, and their masks."""
        side = min(images.shape[2:])
        names = list(KINDS)
        parts = {name: DamagePart(name, *KINDS[name].trained_range(side)) for name in names}
        groups = torch.split(images, GROUP)
        shares = torch.tensor([KINDS[name].share for name in names])
        drawn = torch.multinomial(shares, 2 * len(groups), replacement=True, generator=random).view(-1, 2).tolist()
        doubled = (torch.rand(len(groups), generator=random) < SECOND).tolist()
        done = []
        for group, (first, second), twice in zip(groups, drawn, doubled, strict=True):
            chosen = [first, second] if twice else [first]
            done.append(Chain(tuple(parts[names[number]] for number in chosen))(group, random))
        damaged, masks = zip(*done, strict=True)
        return torch.cat(damaged), torch.cat(masks)


class Own:
    """A user's own function in the place of the kinds."""

    hides = True  # as far as one knows

    def __init__(self, function: Function) -> None:
        self.function = function

    def __call__(self, images: torch.Tensor, random: torch.Generator) -> Tensors:
        """What it makes of the images, and of their masks; InputError for another shape."""
        made = self.function(images, random)
        damaged, masks = made if isinstance(made, tuple) else (made, _nothing_hidden(images))
        form = (len(images), 1, *images.shape[2:])
        if damaged.shape != images.shape or masks.shape != form or masks.dtype != torch.bool:
            raise InputError(
                f"the corruption makes images {tuple(damaged.shape)} and masks {tuple(masks.shape)} of {masks.dtype} "
                f"from images {tuple(images.shape)}: give the same shape, and masks bool {form}"
            )
        return _as_saved(damaged), masks


Damage = Chain | AnyDamage | Own
Corruption = str | Function


def damage_of(corruption: Corruption) -> Damage:
    """The damage that words or a function ask for; InputError for a kind or a severity that there is not."""
    if not isinstance(corruption, str):
        return Own(corruption)
    if corruption.strip() == ANY:
        return AnyDamage()
    return Chain(tuple(_part(words.strip()) for words in corruption.split(",")))


def corrupt(images: Pixels, corruption: Corruption, *, seed: int = 0) -> Damaged:
    """Damages images uint8 (N, H, W, C): the same way for the same images, corruption and seed.

    corruption: kinds with their severities, done one after the other, as `block:14,noise:0.2`; a range such as
    `noise:0.1-0.5` draws one severity for every million pixels of images or so; `any`; or a function of images
    float (N, C, H, W) in [0, 1] and a torch.Generator. Raises InputError for what it does not know, and for other
    images.
    """
    damage = damage_of(corruption)
    require_pixels(images)
    count = max(1, CHUNK_PIXELS // max(1, images.shape[1] * images.shape[2]))
    parts = []
    for start in range(0, len(images), count):
        chunk = torch.from_numpy(np.ascontiguousarray(images[start : start + count])).permute(0, 3, 1, 2) / 255
        parts.append(damage(chunk, seeds.generator(seed, "corruption", start)))
    pixels = [(255 * damaged).round().to(torch.uint8).permute(0, 2, 3, 1).numpy() for damaged, _ in parts]
    masks = np.concatenate([hidden[:, 0].numpy() for _, hidden in parts])
    return Damaged(np.ascontiguousarray(np.concatenate(pixels)), masks if masks.any() else None)


def _part(words: str) -> DamagePart:
    found = PART.fullmatch(words)
    if not found:
        raise InputError(
            f"the corruption is '{words[:40]}': give a kind and its severity, as block:14 or noise:0.1-0.5"
        )
    name, low, high = found.groups()
    if name not in KINDS:
        raise InputError(f"no corruption '{name[:40]}': {suggestion(name, [*KINDS, ANY])}")
    kind = KINDS[name]
    least = kind.usual if low is None else float(low)
    most = least if high is None else float(high)
    for severity in (least, most):
        if not kind.least <= severity <= kind.most or (kind.whole and severity != int(severity)):
            whole = "a whole number " if kind.whole else ""
            raise InputError(
                f"{name}:{severity:g} is out of range ({kind.severity}): give {whole}from {kind.least:g} to "
                f"{kind.most:g}"
            )
    if most < least:
        raise InputError(f"{words} goes from {least:g} down to {most:g}: give the lesser severity first")
    return DamagePart(name, least, most)


def _as_saved(images: torch.Tensor) -> torch.Tensor:
    """As a file with 8 bits a color would have it."""
    return (255 * images).round().clamp(0, 255) / 255


def _nothing_hidden(images: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool, device=images.device)
