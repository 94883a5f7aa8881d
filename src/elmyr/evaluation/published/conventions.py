"""The conventions of other packages: what each does differently with the same features."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from elmyr.core.tables import Table

OF_ALL = "all images of both sides"
OF_SUBSETS = "KID: mean ± standard deviation of {count} random subsets of {size} images"
OF_AT_MOST = "KID: mean ± standard deviation of {count} random subsets of at most {size} images"
OF_SPLITS = "Inception Score: mean ± standard deviation of {count} splits"
BY_NEIGHBORS = "neighborhoods: k = {k}, distance {sign} radius"
TEXTS = (OF_ALL, OF_SUBSETS, OF_AT_MOST, OF_SPLITS, BY_NEIGHBORS)


@dataclass(frozen=True)
class Subsets:
    """KID: the mean of so many random subsets of `size` images. fewer: whether one may be as small as a side is."""

    count: int
    size: int
    fewer: bool
    seed: int


@dataclass(frozen=True)
class Splits:
    """Inception Score: exp of the mean divergence in each of so many splits, and their mean. seed: of a shuffle."""

    count: int
    seed: int | None


@dataclass(frozen=True)
class Neighbors:
    """Precision and recall: which neighbor a radius reaches to, and whether it includes its own length (≤, else <)."""

    k: int
    inclusive: bool
    density: bool  # whether density and coverage are taken as well


@dataclass(frozen=True)
class Convention:
    """What a package does differently; None where it has no such figure. All take all images of both sides.

    sampled: how many images a GAN is asked for, None: as many as there are real ones. resize: the rule by which an
    extractor that resizes does it, a name of its table; None: its own.
    """

    name: str
    frechet: bool = True
    sampled: int | None = None
    resize: str | None = None
    subsets: Subsets | None = None
    splits: Splits | None = None
    neighbors: Neighbors | None = None

    def said(self) -> list[tuple[str, dict[str, Any]]]:
        """In words, each as a text with places, and what they hold."""
        told: list[tuple[str, dict[str, Any]]] = [(OF_ALL, {})]
        if self.subsets is not None:
            values = {"count": self.subsets.count, "size": self.subsets.size}
            told.append((OF_AT_MOST if self.subsets.fewer else OF_SUBSETS, values))
        if self.splits is not None:
            told.append((OF_SPLITS, {"count": self.splits.count}))
        if self.neighbors is not None:
            sign = "≤" if self.neighbors.inclusive else "<"
            told.append((BY_NEIGHBORS, {"k": self.neighbors.k, "sign": sign}))
        return told

    def told(self, real: int | None) -> dict[str, Any]:
        """What is said of them beside the figures, with the number of real images, where there are any."""
        return asdict(self) | {"real": real}


def convention_of(name: str | None) -> Convention | None:
    """The convention of a name, None for elmyr's own; InputError, with the nearest name, where there is none."""
    return None if name is None else CONVENTIONS.named(name)


CONVENTIONS: Table[Convention] = Table(
    "convention",
    {
        each.name: each
        for each in (
            Convention(
                "torch-fidelity",
                resize="tensorflow",
                subsets=Subsets(100, 1000, fewer=False, seed=2020),
                splits=Splits(10, seed=2020),
                neighbors=Neighbors(3, inclusive=True, density=False),
            ),
            Convention(
                "clean-fid",
                sampled=50_000,
                resize="pillow-bicubic",
                subsets=Subsets(100, 1000, fewer=True, seed=0),
            ),
            Convention("pytorch-fid", resize="torch-bilinear"),
            Convention("prdc", frechet=False, neighbors=Neighbors(5, inclusive=False, density=True)),
        )
    },
)
