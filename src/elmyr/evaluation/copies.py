"""Are generated images copies of training images? Nearest images in pixels, beside images that no network has seen.

Twice: as the images are, and after a search over small changes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from elmyr.evaluation.altered_copies import AlteredSearch, views_of
from elmyr.evaluation.features import AT_ONCE, squares
from elmyr.evaluation.paired_samples import first_of, first_places
from elmyr.images import ImageSet
from elmyr.metrics import (
    Estimate,
    Excess,
    NearestRows,
    authenticity,
    cells_of,
    centers_of,
    copying_statistic,
    discriminator_accuracy,
    distance_ratio,
    doubles,
    is_double,
    nearest,
    training_is_nearest,
    wilson_interval,
)
from elmyr.tasks.gan.model import GAN

Verdict = Literal["no evidence", "suspected", "certain"]

MOST = 1000  # images of each side that are looked at
MOST_ALTERED = 500  # of them for which alterations are tried, which takes much longer
MOST_TRAINING = 60_000
SIDE = 16  # pixels a side that images are averaged to
PAIRS = 16  # pairs that are shown
FEWEST_IN_A_CELL = 50  # held-out images, about, for each cell of the statistic
MOST_CELLS = 10
MOST_FOR_CELLS = 10_000  # training images that the cells are made of
SURE = 0.999  # level at which copies are certain
GRAVITY: dict[Verdict, int] = {"no evidence": 0, "suspected": 1, "certain": 2}
SUSPICIOUS = 3.1  # standard deviations: 1 in 1,000 by chance

TITLES = {
    "distance_ratio": "distance to the nearest training image, over that to the nearest held-out one",
    "doubles": "twice as near to a training image as to any held-out one",
    "training_is_nearest": "nearest image is a training image",
    "copying_statistic": "C_T, standard deviations",
    "authenticity": "authenticity",
    "membership": "discriminator accuracy on training against held-out images",
}


@dataclass(frozen=True)
class CopyFigure:
    """One figure of copying, with the same figure of real images that no network has seen."""

    name: str
    title: str
    value: float
    low: float | None
    high: float | None
    yardstick: float


@dataclass(frozen=True)
class AlteredCopies:
    """What is found once images are moved, turned, mirrored, brought to another size and contrast to fit others.

    share: how often a training image is the nearest; doubles: how many images are twice as near to a training image as
    to any held-out one; `yardstick`: the share of real images that are.
    """

    verdict: Verdict
    count: int
    share: float
    expected: float
    deviations: float
    doubles: int
    yardstick: float


@dataclass(frozen=True)
class Copies:
    """What is found, and of how many images on each side.

    verdict: the graver of that on the images as they are, `unaltered`, and that of `altered`.

    expected, deviations: what `training_is_nearest` is without copying, and how far it is from that.

    pairs: the places of the generated images that are most suspicious by the graver verdict, the worst first, and of
    the training image that is nearest to each, among those given; doubles: how many generated images are twice as near
    to a training image as to any held-out one; doubled: how many different training images are nearest to these.
    """

    verdict: Verdict
    unaltered: Verdict
    altered: AlteredCopies
    count: int
    training: int
    held_out: int
    doubles: int
    doubled: int
    expected: float
    deviations: float
    figures: tuple[CopyFigure, ...]
    pairs: tuple[tuple[int, int], ...]

    def __getitem__(self, name: str) -> CopyFigure:
        """A figure by its name, such as "authenticity"; KeyError where it was not taken."""
        return {figure.name: figure for figure in self.figures}[name]


@dataclass(frozen=True, eq=False)
class _Side:
    """Images beside the training and the held-out ones."""

    to_training: NearestRows
    to_held_out: NearestRows

    @property
    def _distances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.to_training.distances, self.to_held_out.distances

    def ratio(self) -> Estimate | None:
        """None where every image is a held-out one."""
        return distance_ratio(*self._distances) if self.to_held_out.distances.any() else None

    def doubles(self) -> Estimate:
        return doubles(*self._distances)

    def excess(self, chance: _Chance) -> Excess:
        return training_is_nearest(*self._distances, *chance.of(self.to_training, self.to_held_out))

    def draws(self) -> tuple[int, int]:
        """Of so many different nearest training images, how many have a double: images that share one are one draw."""
        ours, theirs = self._distances
        doubled = self.to_training.places[is_double(ours, theirs)]
        return len(np.unique(self.to_training.places)), len(np.unique(doubled))

    def suspicion(self) -> NDArray[np.float64]:
        """How much nearer to training than to held-out images each is: 0 for a copy."""
        ours, theirs = self._distances
        return np.asarray(np.divide(ours, theirs, out=np.ones_like(ours), where=theirs > 0))

    def pairs(self) -> list[tuple[int, int]]:
        """The most suspicious images, and the training image nearest to each."""
        worst = np.argsort(self.suspicion(), kind="stable")[:PAIRS]
        return [(int(place), int(self.to_training.places[place])) for place in worst]


class _Chance:
    """The chance that a training image is the nearest: its class's share of training images, as sides may differ."""

    def __init__(self, training: ImageSet, places: NDArray[np.int64], held_out: ImageSet) -> None:
        """places: the training images that are looked at."""
        self.count = len(places)
        if training.labels is None or held_out.labels is None:
            self.shares = np.array([len(places) / (len(places) + len(held_out))])
            return
        self.labels = training.labels[places], held_out.labels
        ours, theirs = (np.bincount(labels, minlength=len(training.classes)) for labels in self.labels)
        self.shares = ours / np.maximum(ours + theirs, 1)

    def of(self, training: NearestRows, held_out: NearestRows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The chance for each image, and a number of its nearest image."""
        is_training = training.distances <= held_out.distances
        numbers = np.where(is_training, training.places, self.count + held_out.places)
        if len(self.shares) == 1:
            return np.full(len(numbers), self.shares[0]), numbers
        of_training, of_held_out = self.labels
        labels = np.where(is_training, of_training[training.places], of_held_out[held_out.places])
        return self.shares[labels], numbers


def look_for_copies(
    generated: ImageSet, training: ImageSet, held_out: ImageSet, others: ImageSet, *, gan: GAN | None = None
) -> Copies:
    """Whether generated images are copies of training images.

    held_out: real images of the same distribution as the training images that the generator has not seen; others: such
    images again, which stand in the generated images' place for the baseline. gan: whether its discriminator remembers
    the training images. Looked at are at most 1,000 images of each side and 60,000 training images, averaged to 16x16;
    500 of each side for copies that were altered.
    """
    places, known_places = first_places(len(generated), MOST), first_places(len(training), MOST_TRAINING)
    generated, others = generated.take(places), first_of(others, MOST)
    known, unseen = _pixels(training, known_places), _pixels(held_out)
    shown, real = (_pixels(images) for images in (generated, others))
    sides = [_Side(nearest(rows, known), nearest(rows, unseen)) for rows in (shown, real)]
    chance = _Chance(training, known_places, held_out)
    doubled, doubled_real = (side.doubles() for side in sides)
    excess, excess_real = (side.excess(chance) for side in sides)
    between = unseen[first_places(len(unseen), MOST)]
    from_held_out = nearest(between, known)
    count = max(1, min(MOST_CELLS, len(between) // FEWEST_IN_A_CELL))
    centers = centers_of(known[:MOST_FOR_CELLS], count=count)
    cells = [cells_of(rows, centers) for rows in (shown, real, between)]

    taken: dict[str, tuple[Estimate | float, float]] = {}
    ratio, ratio_real = (side.ratio() for side in sides)
    if ratio is not None and ratio_real is not None:
        taken["distance_ratio"] = ratio, ratio_real.value
    taken["doubles"] = doubled, doubled_real.value
    taken["training_is_nearest"] = excess.share, excess_real.share
    copying, copying_real = (
        copying_statistic(side.to_training.distances, from_held_out.distances, (of_side, cells[2]))
        for side, of_side in zip(sides, cells, strict=False)
    )
    taken["copying_statistic"] = copying, copying_real.value
    authentic, authentic_real = (_authenticity(side.to_training, known) for side in sides)
    taken["authenticity"] = authentic, authentic_real.value
    if gan is not None:
        remembered = training.take(known_places[first_places(len(known_places), MOST)])
        known_logits, unseen_logits = (gan.discriminate(images) for images in (remembered, first_of(held_out, MOST)))
        taken["membership"] = discriminator_accuracy(known_logits, unseen_logits), 0.5
    draws, draws_real = (side.draws() for side in sides)
    unaltered = _verdict(draws, draws_real, excess)
    altered, side = _look_for_altered(generated, training, known_places, held_out, others, chance)
    graver = altered.verdict if GRAVITY[altered.verdict] > GRAVITY[unaltered] else unaltered
    pairs = (sides[0] if graver == unaltered else side).pairs()
    return Copies(
        verdict=graver,
        unaltered=unaltered,
        altered=altered,
        count=len(generated),
        training=len(known),
        held_out=len(held_out),
        doubles=round(doubled.value * len(generated)),
        doubled=draws[1],
        expected=excess.expected,
        deviations=excess.deviations,
        figures=tuple(_figure(name, *values) for name, values in taken.items()),
        pairs=tuple((int(places[place]), int(known_places[known])) for place, known in pairs),
    )


def _look_for_altered(
    generated: ImageSet,
    training: ImageSet,
    known_places: NDArray[np.int64],
    held_out: ImageSet,
    others: ImageSet,
    chance: _Chance,
) -> tuple[AlteredCopies, _Side]:
    """What is found of altered copies, and the images that they are looked for among."""
    search = AlteredSearch(views_of(training, known_places), views_of(held_out))
    shown, real = (
        search(views_of(images.take(np.arange(min(len(images), MOST_ALTERED))))) for images in (generated, others)
    )
    side, side_real = (_Side(match.to_training, match.to_held_out) for match in (shown, real))
    excess = _Side(shown.joint_to_training, shown.joint_to_held_out).excess(chance)
    doubled = side.doubles().value
    count = len(shown.to_training.places)
    found = AlteredCopies(
        verdict=_verdict(side.draws(), side_real.draws(), excess),
        count=count,
        share=excess.share,
        expected=excess.expected,
        deviations=excess.deviations,
        doubles=round(doubled * count),
        yardstick=side_real.doubles().value,
    )
    return found, side


def _verdict(generated: tuple[int, int], real: tuple[int, int], excess: Excess) -> Verdict:
    """By the draws of both sides: how likely as many doubles are with the most that the real images allow for."""
    count, doubled = generated
    _, most = wilson_interval(real[1], real[0], SURE)
    if bdtrc(doubled - 1, count, most) < 1 - SURE:
        return "certain"
    return "suspected" if excess.deviations > SUSPICIOUS else "no evidence"


def _authenticity(to_training: NearestRows, known: NDArray[np.float64]) -> Estimate:
    copied, which = np.unique(to_training.places, return_inverse=True)
    around = nearest(known[copied], known, but=copied)
    return authenticity(to_training.distances, around.distances[which])


def _figure(name: str, found: Estimate | float, yardstick: float) -> CopyFigure:
    value, low, high = found.interval if isinstance(found, Estimate) else (found, None, None)
    return CopyFigure(name, TITLES[name], value, low, high, yardstick)


def _pixels(images: ImageSet, places: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Those at some places, or all; never more than a block of images in memory, as a set may be on the disk."""
    places = np.arange(len(images)) if places is None else places
    starts = range(0, len(places), AT_ONCE)
    blocks = (np.asarray(images.images[places[start : start + AT_ONCE]]) for start in starts)
    return np.concatenate([squares(block, SIDE) for block in blocks])
