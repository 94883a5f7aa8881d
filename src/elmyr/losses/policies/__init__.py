"""Classical changes of a recognizer's training images, by name: each leaves what an image shows as it is labeled.

A policy is "none", or the names of changes joined by "+", which are applied in that order: "affine+erasing". Whatever a
change draws it draws for the whole batch, so that an image is changed alike however many processes share the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from elmyr.core import seeds
from elmyr.core.tables import Table
from elmyr.losses.policies.affine import random_affine
from elmyr.losses.policies.elastic import elastic
from elmyr.losses.policies.erasing import erasing
from elmyr.losses.policies.flips import flips
from elmyr.losses.policies.photometric import photometric
from elmyr.losses.policies.strong import strong

NONE, JOINT = "none", "+"
Change = Callable[[torch.Tensor, seeds.Random], torch.Tensor]  # of images (N, C, H, W) in [-1, 1]

CHANGES: Table[Change] = Table(
    "change of training images",
    {
        "affine": random_affine,
        "elastic": elastic,
        "erasing": erasing,
        "photometric": photometric,
        "strong": strong,
        "flips": flips,
    },
    reserved=(NONE, "auto"),
)


@dataclass(frozen=True)
class Policy:
    """Some changes, one after the other; none leave the images as they are."""

    changes: tuple[Change, ...]

    def __call__(self, images: torch.Tensor, random: seeds.Random) -> torch.Tensor:
        """Images (N, C, H, W) in [-1, 1], changed."""
        for change in self.changes:
            images = change(images, random)
        return images


def policy_of(name: str) -> Policy:
    """The policy of this name; InputError, with the nearest name, for a change that is none."""
    parts = [] if name == NONE else [part.strip() for part in name.split(JOINT)]
    return Policy(tuple(CHANGES.named(part) for part in parts))
