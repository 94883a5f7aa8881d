"""What a look at the pixels finds odd in a part of an image set, and in its test part beside the training part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.images.decode.encoded import shown
from elmyr.images.oddities.near import NearPairs, near_others, near_pairs
from elmyr.images.oddities.strange import blurred, outliers
from elmyr.images.oddities.traces import Traces

NAMED = 5
MOST = 60_000  # images of a part that are compared with each other


@dataclass(frozen=True)
class Named:
    """How many images there are of a kind, and the names of the first of them."""

    count: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        """The names."""
        return f"{', '.join(map(shown, self.names))}{', …' * (self.count > len(self.names))}"


@dataclass(frozen=True)
class Pairs:
    """How many images resemble another one, and the first of them, each behind the one that it resembles."""

    count: int
    examples: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """The examples."""
        pairs = (f"{shown(second)} ~ {shown(first)}" for first, second in self.examples)
        return f"{'; '.join(pairs)}{'; …' * (self.count > len(self.examples))}"


@dataclass(frozen=True)
class Oddities:
    """Of a part: images of one color; near-duplicates; images that equal or resemble one of another class; outliers;
    blurred images.
    """

    blank: Named
    near_duplicates: Pairs
    two_classes: Pairs
    outliers: Named
    blurred: Named


class Look(NamedTuple):
    """Of a part: names and labels of all images, the places of those that were compared and the traces of these.

    digests: of each place that could be read, equal where the images are; flat: the places of images of one color.
    """

    names: Sequence[str]
    labels: NDArray[np.int64] | None
    digests: Mapping[int, bytes]
    flat: Sequence[int]
    places: NDArray[np.int64]
    traces: Traces


def is_compared(place: int, count: int) -> bool:
    """Whether an image is one of those that are compared: all up to 60,000, then every second, third …"""
    return place % stride(count) == 0


def stride(count: int) -> int:
    """How many images there are for each that is compared."""
    return max(1, -(-count // MOST))


def oddities_of(look: Look) -> Oddities:
    """What is odd in a part."""
    several = np.flatnonzero(np.isin(look.places, np.array(look.flat, np.int64), invert=True))  # of more than one color
    kept = _first_of_equals(look, several)
    near = _placed(near_pairs(look.traces.means[kept]), look.places[kept], look.places[kept])
    resembling = list(zip(near.first.tolist(), near.second.tolist(), strict=True))
    twins = [*_twins(look), *resembling]
    return Oddities(
        blank=_named(look.names, look.flat),
        near_duplicates=_pairs(look.names, look.names, resembling),
        two_classes=_pairs(look.names, look.names, (pair for pair in twins if _of_two_classes(look, *pair))),
        outliers=_named(look.names, look.places[several[outliers(look.traces.means[several])]].tolist()),
        blurred=_named(look.names, look.places[several[blurred(look.traces.fineness[several])]].tolist()),
    )


def nearly_in(training: Look, test: Look) -> Pairs:
    """The test images that nearly are training images, but for those that are."""
    known = set(training.digests.values())
    new = np.array([test.digests[place] not in known for place in test.places.tolist()], bool)
    kept = _first_of_equals(test, np.flatnonzero(new))
    near = _placed(near_others(test.traces.means[kept], training.traces.means), training.places, test.places[kept])
    return _pairs(training.names, test.names, zip(near.first.tolist(), near.second.tolist(), strict=True))


def _placed(near: NearPairs, first: NDArray[np.int64], second: NDArray[np.int64]) -> NearPairs:
    return NearPairs(first[near.first], second[near.second], near.likeness)


def _first_of_equals(look: Look, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of rows of the traces, one for each different image."""
    first: dict[bytes, int] = {}
    for row in rows.tolist():
        first.setdefault(look.digests[int(look.places[row])], row)
    return np.array(list(first.values()), np.int64)


def _twins(look: Look) -> Iterable[tuple[int, int]]:
    """Each image that equals an earlier one, behind that one."""
    first, flat = dict[bytes, int](), set(look.flat)
    for place, digest in look.digests.items():
        earlier = first.setdefault(digest, place)
        if earlier != place and place not in flat:
            yield earlier, place


def _of_two_classes(look: Look, first: int, second: int) -> bool:
    return look.labels is not None and bool(look.labels[first] != look.labels[second])


def _named(names: Sequence[str], places: Sequence[int]) -> Named:
    return Named(len(places), tuple(names[place] for place in places[:NAMED]))


def _pairs(names: Sequence[str], others: Sequence[str], pairs: Iterable[tuple[int, int]]) -> Pairs:
    """The second of each pair counts once, however many it resembles."""
    first_of: dict[int, int] = {}
    for first, second in pairs:
        first_of.setdefault(second, first)
    examples = list(first_of.items())[:NAMED]
    return Pairs(len(first_of), tuple((names[first], others[second]) for second, first in examples))
