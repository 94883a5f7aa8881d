"""Explanations: a map for each image, of which pixels speak for a class and which against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from elmyr.core import machine, threads
from elmyr.core.calls import checked
from elmyr.core.errors import InputError
from elmyr.images import ImageSet, Pixels, StoredPixels
from elmyr.tasks.recognition.attribution.explained import Explained, explained
from elmyr.tasks.recognition.attribution.methods import required_method
from elmyr.tasks.recognition.learning.lesson import checked_images

METHOD = "integrated-gradients"
CHUNK = 50  # images at a time
Maps = NDArray[np.float64]
Target = int | str | Sequence[int | str] | NDArray[Any] | None  # a class, or one for each image


@dataclass(frozen=True, eq=False)
class Explanation:
    """Maps float64 (N, H, W) of images uint8 (N, H, W, C), and what was explained.

    Above 0 a pixel speaks for the target's class, below against it. targets, read: classes int64 (N,), that which is
    explained, and that which is believed most. beliefs, of_targets: float64 (N,), the belief in each of them.
    """

    model: Explained
    method: str
    images: Pixels
    maps: Maps
    read: NDArray[np.int64]
    beliefs: NDArray[np.float64]
    targets: NDArray[np.int64]
    of_targets: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes; of a discriminator without any, one for all images."""
        return self.model.classes or ("real",)

    def rows(self, files: list[str]) -> list[dict[str, Any]]:
        """A JSON object an image: its file, what is read in it, and the class that its map is of."""
        return [
            {
                "file": file,
                "read": self.names[self.read[place]],
                self.model.believes: float(self.beliefs[place]),
                "target": self.names[self.targets[place]],
                f"{self.model.believes}_of_target": float(self.of_targets[place]),
            }
            for place, file in enumerate(files)
        ]

    def lines(self, files: list[str]) -> Iterator[str]:
        """A line an image: its file, what is read in it, and the class that its map is of."""
        for row in self.rows(files):
            believed, of_target = row[self.model.believes], row[f"{self.model.believes}_of_target"]
            yield (
                f"{row['file']}: {self.model.reads} {row['read']} ({self.model.believes} {believed:.4g}), "
                f"explained: {row['target']} ({of_target:.4g})"
            )


@checked
def explain(
    model: Any,
    images: ArrayLike | StoredPixels | ImageSet,
    *,
    method: str = METHOD,
    target: Target = None,
) -> Maps:
    """Maps float64 (N, H, W) of which pixels decide: above 0 they speak for a class, below against it.

    model: a recognizer, or a GAN, whose discriminator is explained. images: uint8 (N, H, W, C) or (N, H, W), or an
    image set. method: integrated-gradients, grad-cam, occlusion, or gradient, which needs no extra. target: the class,
    by its name or number, or one for each image; None: that which is read in each. A recognizer's maps divide the
    target's logit, less the mean of all classes'; a discriminator's its logit. Raises InputError for what cannot be
    explained, for images of another form, an unknown class or method, and where the extra `[explain]` is missing.
    """
    return explanation(model, checked_images(images, "images"), method=method, target=target).maps


def explanation(
    model: Any, images: Pixels | StoredPixels, *, method: str = METHOD, target: Target = None
) -> Explanation:
    """The same with what is read in the images; of pixels uint8 (N, H, W, C)."""
    required_method(method)
    of = explained(model)
    pixels = of.required(np.asarray(images))
    asked = None if target is None else _targets(of, target, len(pixels))
    units = of.units(pixels)
    read = of.read(units)
    targets = read if asked is None else asked
    classes = torch.from_numpy(targets)
    return Explanation(
        of,
        method,
        pixels,
        maps_of(of, units, classes, method),
        read,
        of.beliefs(units, torch.from_numpy(read)),
        targets,
        of.beliefs(units, classes),
    )


def _targets(of: Explained, target: Target, count: int) -> NDArray[np.int64]:
    """The numbers of the classes that are asked for, one for each image."""
    if isinstance(target, int | str | np.integer):
        return np.full(count, of.target(target), np.int64)
    each = np.asarray(target).tolist()
    if not isinstance(each, list) or len(each) != count:
        raise InputError(f"the target is a {type(target).__name__} for {count} images: give a class, or one for each")
    return np.array([of.target(one) for one in each], np.int64)


def maps_of(of: Explained, units: torch.Tensor, targets: torch.Tensor, method: str) -> Maps:
    """Maps float64 (N, H, W), channels added up, of images (N, C, H, W) in [-1, 1] and classes int64 (N,)."""
    attribute, parts = required_method(method).attribute, []
    with machine.without_tf32():
        for some, classes in zip(torch.split(units, CHUNK), torch.split(targets, CHUNK), strict=True):
            threads.look()
            found = attribute(of, some.clone(), classes.to(some.device))
            parts.append(found.detach().double().sum(1).cpu().numpy())
    maps = np.concatenate(parts)
    if not np.isfinite(maps).all():
        raise InputError(f"the method '{method}' gives numbers that are not finite: take another")
    return maps
