"""Whether maps are more than decoration: curves against random orders of the pixels, and the randomization check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elmyr.core.errors import InputError
from elmyr.metrics import MeanInterval, mean_interval
from elmyr.tasks.recognition.attribution.curves import areas, random_ranks, ranks_of
from elmyr.tasks.recognition.attribution.explaining import Explanation
from elmyr.tasks.recognition.attribution.randomization import Layer, randomized

RANDOM_ORDERS = 3  # an image
LEFT = 0.5  # the rank correlation, above which a map of random weights is still the map
FEWEST = 2  # images


@dataclass(frozen=True)
class Curve:
    """The mean area under a curve by a map's order of pixels, by random orders, and by how far off the ground they are.

    over_random, over_contrast: the area by the map less that by the others, paired by image, with 95 % t intervals.
    sign: 1 where a larger area is better (insertion), -1 where a smaller one is (deletion).
    """

    name: str
    sign: int
    area: float
    random: float
    contrast: float
    over_random: MeanInterval
    over_contrast: MeanInterval

    @property
    def is_better(self) -> bool:
        """Whether the map's order is better than a random one, its interval leaving 0 out."""
        return _is_better(self.over_random, self.sign)


@dataclass(frozen=True)
class Check:
    """What a method's maps of some images withstood."""

    method: str
    images: int
    curves: tuple[Curve, ...]
    layers: tuple[Layer, ...]

    @property
    def depends_on_weights(self) -> bool:
        """Whether the maps are others once all weights are random."""
        return self.layers[-1].whole <= LEFT

    @property
    def depends_where_drawn(self) -> bool:
        """Whether they are among the pixels that differ from the ground, all others left out."""
        drawn = self.layers[-1].drawn
        return drawn is not None and drawn <= LEFT

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        curves = {
            curve.name: {
                "area": curve.area,
                "random": curve.random,
                "contrast": curve.contrast,
                "over_random": [curve.over_random.mean, curve.over_random.low, curve.over_random.high],
                "over_contrast": [curve.over_contrast.mean, curve.over_contrast.low, curve.over_contrast.high],
                "better_than_random": curve.is_better,
            }
            for curve in self.curves
        }
        layers = [layer._asdict() for layer in self.layers]
        return {
            "method": self.method,
            "images": self.images,
            "curves": curves,
            "randomization": layers,
            "depends_on_weights": self.depends_on_weights,
            "depends_where_drawn": self.depends_where_drawn,
        }

    def lines(self) -> Iterator[str]:
        """Two tables, and a sentence on each."""
        yield f"{self.method}, {self.images} images: area under the curve, and the difference with its 95 % interval"
        yield f"{'curve':<10} {'map':>7} {'random':>7} {'map - random':>26}   {'contrast':>8} {'map - contrast':>26}"
        for curve in self.curves:
            yield (
                f"{curve.name:<10} {curve.area:>7.3f} {curve.random:>7.3f} {_told(curve.over_random):>26}   "
                f"{curve.contrast:>8.3f} {_told(curve.over_contrast):>26}"
            )
        worse = [curve.name for curve in self.curves if not curve.is_better]
        yield f"not better than random: {', '.join(worse)}" if worse else "better than a random order in both"
        yield f"\n{'random from here to the end':<34} {'rank correlation':>16} {'where drawn':>12}"
        for layer in self.layers:
            among = "-" if layer.drawn is None else f"{layer.drawn:.2f}"
            yield f"{layer.name:<34} {layer.whole:>16.2f} {among:>12}"
        yield self._told_of_weights()

    def _told_of_weights(self) -> str:
        if self.depends_on_weights:
            return "the maps follow the weights"
        if self.depends_where_drawn:
            return (
                "which of the drawn pixels count follows the weights; that only these count is so with random ones, too"
            )
        return f"the maps hardly need the weights: with random ones they still correlate by more than {LEFT:g}"


def check(found: Explanation, *, seed: int = 0) -> Check:
    """The curves and the randomization check of maps; InputError for fewer than two images."""
    if len(found.images) < FEWEST:
        raise InputError(f"a check of {len(found.images)} image says nothing: give at least {FEWEST}, better 100")
    of, units, targets = found.model, found.model.units(found.images), torch.from_numpy(found.targets)
    shape = found.maps.shape
    by_map = areas(of, units, targets, ranks_of(found.maps, seed=seed))
    drawn = [
        areas(of, units, targets, random_ranks(shape, seed=seed, number=number)) for number in range(RANDOM_ORDERS)
    ]
    by_contrast = areas(of, units, targets, ranks_of(_contrast(found), seed=seed))
    curves = tuple(
        _curve(name, sign, by_map[place], np.mean([each[place] for each in drawn], 0), by_contrast[place])
        for place, (name, sign) in enumerate((("deletion", -1), ("insertion", 1)))
    )
    layers = tuple(randomized(of, units, targets, found.maps, found.method, seed=seed))
    return Check(found.method, len(found.images), curves, layers)


def _contrast(found: Explanation) -> NDArray[np.float64]:
    """How far each pixel is from the ground (N, H, W): what a map that knows no network would name."""
    return np.asarray((found.model.units(found.images) - found.model.ground).abs().sum(1).double().cpu().numpy())


def _curve(
    name: str, sign: int, by_map: NDArray[np.float64], random: NDArray[np.float64], contrast: NDArray[np.float64]
) -> Curve:
    means = [float(each.mean()) for each in (by_map, random, contrast)]
    return Curve(name, sign, means[0], means[1], means[2], *(mean_interval(by_map - one) for one in (random, contrast)))


def _is_better(difference: MeanInterval, sign: int) -> bool:
    assert difference.low is not None and difference.high is not None
    return difference.low > 0 if sign > 0 else difference.high < 0


def _told(difference: MeanInterval) -> str:
    return f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
