"""Are generated images copies of training images? Nearest images in pixels, beside images that no network has seen.

Twice: as the images are, and after a search over small changes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from elmyr.evaluation.altered_copies import AlteredSearch, Views, views_of
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


class CopySearch:
    """Looks for copies of training images among any generated ones; what real images tell is found once.

    held_out: real images of the same distribution as the training images that the generator has not seen; others: such
    images again, which stand in the generated images' place for the baseline. Looked at are at most 1,000 images of
    each side and 60,000 training images, averaged to 16x16; 500 of each side for copies that were altered.
    """

    def __init__(self, training: ImageSet, held_out: ImageSet, others: ImageSet) -> None:
        self._training, self._held_out = training, held_out
        self._known_places = first_places(len(training), MOST_TRAINING)
        self._known, self._unseen = _pixels(training, self._known_places), _pixels(held_out)
        self._chance = _Chance(training, self._known_places, held_out)
        between = self._unseen[first_places(len(self._unseen), MOST)]
        self._from_held_out = nearest(between, self._known).distances
        count = max(1, min(MOST_CELLS, len(between) // FEWEST_IN_A_CELL))
        self._centers = centers_of(self._known[:MOST_FOR_CELLS], count=count)
        self._cells_of_held_out = cells_of(between, self._centers)
        self._search = AlteredSearch(views_of(training, self._known_places), views_of(held_out))
        others = first_of(others, MOST)
        self._real, self._of_real = self._beside(_pixels(others))
        altered = self._search(_views_of_first(others))
        self._real_altered = _Side(altered.to_training, altered.to_held_out)

    def __call__(self, generated: ImageSet, *, gan: GAN | None = None) -> Copies:
        """Whether generated images are copies. gan: whether its discriminator remembers the training images."""
        places = first_places(len(generated), MOST)
        generated = generated.take(places)
        shown, figures = self._beside(_pixels(generated))
        taken = [_figure(name, each, self._of_real[name]) for name, each in figures.items() if name in self._of_real]
        if gan is not None:
            taken.append(_figure("membership", self._membership(gan), 0.5))
        excess, draws = shown.excess(self._chance), shown.draws()
        unaltered = _verdict(draws, self._real.draws(), excess)
        altered, side = self._altered(generated)
        graver = altered.verdict if GRAVITY[altered.verdict] > GRAVITY[unaltered] else unaltered
        pairs = (shown if graver == unaltered else side).pairs()
        return Copies(
            verdict=graver,
            unaltered=unaltered,
            altered=altered,
            count=len(generated),
            training=len(self._known),
            held_out=len(self._unseen),
            doubles=round(shown.doubles().value * len(generated)),
            doubled=draws[1],
            expected=excess.expected,
            deviations=excess.deviations,
            figures=tuple(taken),
            pairs=tuple((int(places[place]), int(self._known_places[known])) for place, known in pairs),
        )

    def _beside(self, rows: NDArray[np.float64]) -> tuple[_Side, dict[str, Estimate | float]]:
        """Images beside the real ones, and their figures."""
        side = _Side(nearest(rows, self._known), nearest(rows, self._unseen))
        return side, self._figures(side, cells_of(rows, self._centers))

    def _figures(self, side: _Side, cells: NDArray[np.int64]) -> dict[str, Estimate | float]:
        ratio, far = side.ratio(), side.to_training.distances
        taken: dict[str, Estimate | float] = {} if ratio is None else {"distance_ratio": ratio}
        taken["doubles"] = side.doubles()
        taken["training_is_nearest"] = side.excess(self._chance).share
        taken["copying_statistic"] = copying_statistic(far, self._from_held_out, (cells, self._cells_of_held_out))
        taken["authenticity"] = _authenticity(side.to_training, self._known)
        return taken

    def _membership(self, gan: GAN) -> Estimate:
        remembered = self._training.take(self._known_places[first_places(len(self._known_places), MOST)])
        known, unseen = (gan.discriminate(images) for images in (remembered, first_of(self._held_out, MOST)))
        return discriminator_accuracy(known, unseen)

    def _altered(self, generated: ImageSet) -> tuple[AlteredCopies, _Side]:
        """What is found of altered copies, and the images that they are looked for among."""
        match = self._search(_views_of_first(generated))
        side = _Side(match.to_training, match.to_held_out)
        excess = _Side(match.joint_to_training, match.joint_to_held_out).excess(self._chance)
        count = len(match.to_training.places)
        found = AlteredCopies(
            verdict=_verdict(side.draws(), self._real_altered.draws(), excess),
            count=count,
            share=excess.share,
            expected=excess.expected,
            deviations=excess.deviations,
            doubles=round(side.doubles().value * count),
            yardstick=self._real_altered.doubles().value,
        )
        return found, side


def look_for_copies(
    generated: ImageSet, training: ImageSet, held_out: ImageSet, others: ImageSet, *, gan: GAN | None = None
) -> Copies:
    """Whether generated images are copies of training images, as `CopySearch` says."""
    return CopySearch(training, held_out, others)(generated, gan=gan)


def _views_of_first(images: ImageSet) -> Views:
    return views_of(images.take(np.arange(min(len(images), MOST_ALTERED))))


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


def _figure(name: str, found: Estimate | float, real: Estimate | float) -> CopyFigure:
    value, low, high = found.interval if isinstance(found, Estimate) else (found, None, None)
    return CopyFigure(name, TITLES[name], value, low, high, real.value if isinstance(real, Estimate) else real)


def _pixels(images: ImageSet, places: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Those at some places, or all; never more than a block of images in memory, as a set may be on the disk."""
    places = np.arange(len(images)) if places is None else places
    starts = range(0, len(places), AT_ONCE)
    blocks = (np.asarray(images.images[places[start : start + AT_ONCE]]) for start in starts)
    return np.concatenate([squares(block, SIDE) for block in blocks])
