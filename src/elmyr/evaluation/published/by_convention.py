"""Figures by the conventions of other packages.

Values are theirs. The 95 % intervals are elmyr's, of the same figure: a standard deviation over subsets or splits says
nothing of another draw of images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from elmyr.evaluation.figures import Evidence
from elmyr.evaluation.published.conventions import Convention, Subsets
from elmyr.metrics import Estimate, density_coverage, inception_score, kernel_distance, moved, precision_recall
from elmyr.metrics.published import neighbor_shares, scores_of_splits, subset_kernel_distances


def take_by_convention(evidence: Evidence, by: Convention, names: Sequence[str] | None = None) -> dict[str, Estimate]:
    """The figures that a convention has, of these images, by name. names: which of them; None: all."""
    found = {name: take(evidence, by) for name, take in TAKEN.items() if names is None or name in names}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def left_out(evidence: Evidence, by: Convention) -> Iterator[str]:
    """Which figures a convention has that these images do not allow, and why."""
    fewest = min(len(side) for side in evidence.features)
    if by.subsets is not None and not _size(by.subsets, fewest):
        yield f"KID is left out: {by.name} takes subsets of {by.subsets.size:,} images, there are {fewest:,}"
    if by.splits is not None:
        if evidence.confidences is None:
            yield "the Inception Score is left out: the extractor does not classify"
        elif len(evidence.confidences[1]) < by.splits.count:
            yield f"the Inception Score is left out: {by.name} takes {by.splits.count} splits"


def _frechet(evidence: Evidence, by: Convention) -> Estimate | None:
    return evidence.frechet_distances[0].plain if by.frechet else None


def _kernel(evidence: Evidence, by: Convention) -> Estimate | None:
    real, generated = evidence.features
    size = by.subsets and _size(by.subsets, min(len(real), len(generated)))
    if by.subsets is None or not size:
        return None
    values = subset_kernel_distances(real, generated, subsets=by.subsets.count, size=size, seed=by.subsets.seed)
    return _mean(kernel_distance(real, generated, design=evidence.design[0]), values)


def _score(evidence: Evidence, by: Convention) -> Estimate | None:
    if by.splits is None or evidence.confidences is None or len(evidence.confidences[1]) < by.splits.count:
        return None
    rows = evidence.confidences[1]
    values = scores_of_splits(rows, splits=by.splits.count, seed=by.splits.seed)
    return _mean(inception_score(rows, labels=evidence.design[0].generated), values, low=1.0, high=rows.shape[1])


def _size(subsets: Subsets, fewest: int) -> int:
    """How many images a subset has where a side has so few; 0 for too few."""
    return subsets.size if fewest >= subsets.size else fewest if subsets.fewer else 0


def _mean(of_all: Estimate, values: NDArray[np.float64], *, low: float = -inf, high: float = inf) -> Estimate:
    return moved(of_all, float(values.mean()), deviation=float(values.std()), low=low, high=high)


def _neighbors(name: str, *, of_density: bool) -> Callable[[Evidence, Convention], Estimate | None]:
    """Precision, recall, density or coverage, by its place among these."""

    def take(evidence: Evidence, by: Convention) -> Estimate | None:
        if by.neighbors is None or (of_density and not by.neighbors.density):
            return None
        (real, generated), k = evidence.features, by.neighbors.k
        of_all = (density_coverage if of_density else precision_recall)(real, generated, k, design=evidence.design[0])
        shares = neighbor_shares(real, generated, k, inclusive=by.neighbors.inclusive)
        high = inf if name == "density" else 1.0
        return moved(of_all[name in ("recall", "coverage")], float(getattr(shares, name)), low=0.0, high=high)

    return take


# A figure of the table by its name, as a convention takes it; None where it does not, or cannot.
TAKEN: Mapping[str, Callable[[Evidence, Convention], Estimate | None]] = {
    "frechet_distance": _frechet,
    "kernel_distance": _kernel,
    "precision": _neighbors("precision", of_density=False),
    "recall": _neighbors("recall", of_density=False),
    "density": _neighbors("density", of_density=True),
    "coverage": _neighbors("coverage", of_density=True),
    "inception_score": _score,
}
