"""Other things in front."""

from __future__ import annotations

import torch

from elmyr.tasks.restoration.corruptions.holes import square
from elmyr.tasks.restoration.corruptions.kinds import Applied, CorruptionKind, require_inside


def _occlusion(images: torch.Tensor, side: float, random: torch.Generator) -> Applied:
    require_inside("occlusion", side, images)
    hidden = square(images, int(side), random)
    # The middle of another image is what covers: its edge is mostly ground. A single image covers itself, turned.
    other = images.flip(2, 3) if len(images) == 1 else images.roll(1, 0)
    return torch.where(hidden, other, images), hidden


COVERING = {
    "occlusion": CorruptionKind(
        _occlusion,
        "a square of another image in front",
        "side in pixels",
        1,
        4096,
        usual=8,
        trained=(0.2, 0.5),
        whole=True,
        in_pixels=True,
        hides=True,
    )
}
