"""How samples were drawn, and the replicates of them that the jackknife of smooth figures looks at.

Where images were asked for by label, as many of each class as on the other side, class counts are no matter of chance:
a figure varies less than with labels that were drawn along, and its bias is another. Source: Wolter 2007, "Introduction
to Variance Estimation", for jackknives of stratified samples.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elmyr.metrics.features import row_labels
from elmyr.metrics.jackknife import GROUPS

Labels = NDArray[np.int64] | None
FEWEST = 2  # rows of a stratum: of one alone nothing is known


@dataclass(frozen=True, eq=False)
class Design:
    """The labels `(N,)` and `(M,)` that were fixed before the images were drawn; None on a side where they were not."""

    real: Labels = None
    generated: Labels = None


DRAWN = Design()


def fixed_design(real_labels: Any, generated_labels: Any) -> Design:
    """The design of samples whose labels were fixed on both sides; InputError for what are no labels.

    Classes of a single row are taken as one class, as nothing is known of how they vary: where these lie far apart, the
    unbiased figures of equal distributions are below 0.
    """
    return Design(*(row_labels(labels, len(labels)) for labels in (real_labels, generated_labels)))


class Replicates(NamedTuple):
    """Up to 20 versions of a sample in which some rows of each stratum weigh less, and the others that much more.

    kept, lighter `(N,)`: what a row weighs, in units of 1/N, where it is none of these and where it is; members: which
    these are, for each replicate. strata `(N,)`: from 0 on. In a sample of one stratum and a multiple of 20 rows they
    are left out: this is the delete-a-group jackknife. With other counts a share of their weight stays, such that
    variance and bias of every stratum have the factors of that jackknife, (G − 1) / G and G − 1.
    """

    kept: NDArray[np.float64]
    lighter: NDArray[np.float64]
    members: tuple[NDArray[np.int64], ...]
    strata: NDArray[np.int64]

    def weights(self) -> NDArray[np.float64]:
        """Of the rows in the sample itself and in each replicate: (N, 1 + G), each column together 1."""
        count = len(self.kept)
        table = np.repeat(self.kept[:, None], 1 + len(self.members), axis=1)
        table[:, 0] = 1
        for number, rows in enumerate(self.members):
            table[rows, 1 + number] = self.lighter[rows]
        return table / count


def replicates_of(count: int, labels: Labels = None) -> Replicates:
    """Of `count` rows, with labels `(count,)` that were fixed or None; the same for the same arguments.

    Raises InputError for labels of another count.
    """
    random = np.random.default_rng(0)
    strata = np.zeros(count, np.int64) if labels is None else _strata_of(row_labels(labels, count))
    kept, lighter = np.ones(count), np.ones(count)
    groups = min(GROUPS, count)
    members: list[list[NDArray[np.int64]]] = [[] for _ in range(groups)]
    for stratum in range(strata.max() + 1):
        rows = random.permutation(np.flatnonzero(strata == stratum))
        n, m = len(rows), -(-len(rows) // groups)
        share = np.sqrt((n - m) / ((groups - 1) * m))  # of the weight that is taken off; 1 where n is groups * m
        kept[rows], lighter[rows] = 1 + share * m / max(n - m, 1), 1 - share
        for place, group in enumerate(random.permutation(groups)):
            members[group].append(rows[(place * n // groups + np.arange(m)) % n])
    return Replicates(kept, lighter, tuple(np.concatenate(each) for each in members), strata)


def _strata_of(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The classes, those of a single row together, and with the next smallest where there is but one."""
    _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    by_count = np.argsort(counts, kind="stable")
    single = int((counts < FEWEST).sum())
    if not single:
        return np.asarray(which, np.int64)
    pooled = by_count[: max(single, min(2, len(counts)))]
    _, strata = np.unique(np.where(np.isin(which, pooled), -1, which), return_inverse=True)
    return np.asarray(strata, np.int64)
