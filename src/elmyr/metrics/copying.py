"""Whether generated rows are copies of training rows: how near the nearest training row is, beside held-out ones.

Meehan, Chaudhuri & Dasgupta 2020, "A Non-Parametric Test to Detect Data-Copying in Generative Models"; Alaa et al.
2022, "How Faithful is your Synthetic Data?".
"""

from math import sqrt
from typing import NamedTuple
from warnings import catch_warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.vq import kmeans2, vq

from elmyr.core.errors import InputError
from elmyr.metrics.arrays import mid_ranks, numbers, whole
from elmyr.metrics.distances import Block, blocks_of, exact
from elmyr.metrics.features import feature_rows, same_columns
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife, means_without
from elmyr.metrics.labels import share_right

FEWEST_IN_CELL = 8  # of either side, below which a cell is not looked at
ROUNDS = 10  # of k-means

Rows = NDArray[np.float64]
Places = NDArray[np.int64]


class NearestRows(NamedTuple):
    """For each row the Euclidean distance to the nearest of others `(N,)`, and that one's place among them `(N,)`."""

    distances: Rows
    places: Places


class Excess(NamedTuple):
    """How often training rows are the nearest: the share, the one expected without copying, the standard deviations
    between the two.
    """

    share: float
    expected: float
    deviations: float


def nearest(rows: ArrayLike, others: ArrayLike, *, but: Places | None = None) -> NearestRows:
    """The nearest of others `(M, D)` to each row `(N, D)`; `but` `(N,)` is a place among them that a row passes over.

    Raises InputError for fewer than 2 others, different D, or values that are not finite.
    """
    a, b = feature_rows(rows, least=1), feature_rows(others, name="other", least=2)
    same_columns(b, a)
    if but is not None:
        but = whole(but, "places that rows pass over")
        if but.shape != (len(a),) or but.min() < 0 or but.max() >= len(b):
            raise InputError(
                f"'but' has the shape {but.shape}: give each of {len(a)} rows a place among {len(b)} others"
            )
    distances, places = np.empty(len(a)), np.empty(len(a), np.int64)
    for block in blocks_of(a, b):
        if but is not None:
            block.squared[np.arange(len(block.squared)), but[block.part]] = np.inf
        distances[block.part], places[block.part] = _nearest_of(block, a, b)
    return NearestRows(np.sqrt(distances), places)


def _nearest_of(block: Block, a: Rows, b: Rows) -> tuple[Rows, Places]:
    """By the differences wherever the rounding of the product leaves it open; the first of equals."""
    within = (block.squared + block.error).min(axis=1, keepdims=True)
    rows, columns = np.nonzero(block.squared - block.error <= within)
    squared = exact(a[block.part], b, rows, columns)
    order = np.lexsort((columns, squared, rows))
    first = order[np.unique(rows[order], return_index=True)[1]]
    return squared[first], columns[first]


def distance_ratio(to_training: ArrayLike, to_held_out: ArrayLike) -> Estimate:
    """The mean distance to the nearest training row over that to the nearest held-out row; both `(N,)`, of one set.

    0 for copies; without copying what it is for other held-out rows: below 1 where there are more training rows.
    """
    ours, theirs = _distances(to_training, to_held_out)
    if not theirs.any():
        raise InputError("every row is also among the held-out ones: keep held-out images apart from the others")
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.nan_to_num(means_without(ours) / means_without(theirs), nan=1.0, posinf=1.0)
    return jackknife(float(ours.mean() / theirs.mean()), generated=[without], low=0.0)


def is_double(to_training: ArrayLike, to_held_out: ArrayLike, within: float = 0.5) -> NDArray[np.bool_]:
    """Which rows `(N,)` are at most `within` times as far from their nearest training row as from any held-out row.

    A row that both sides hold is no double.
    """
    ours, theirs = _distances(to_training, to_held_out)
    return (ours <= within * theirs) & (theirs > 0)


def doubles(to_training: ArrayLike, to_held_out: ArrayLike, within: float = 0.5) -> Estimate:
    """The share of rows that are doubles."""
    return share_right(is_double(to_training, to_held_out, within), of="generated")


def training_is_nearest(
    to_training: ArrayLike, to_held_out: ArrayLike, chances: ArrayLike, nearest_rows: ArrayLike
) -> Excess:
    """How much more often than by chance the nearest of training and held-out rows together is a training row.

    chances `(N,)`: that of each row, the share of training rows among all that could be its nearest. Where training and
    held-out rows are of one distribution, any of them is as likely the nearest to a row that was made without them,
    however typical or blurred that row is. nearest_rows `(N,)`: which one is the nearest, a number each; rows that
    share it count as one draw, so that a collapsed generator is not taken for a copying one. Ties count as expected.
    """
    ours, theirs = _distances(to_training, to_held_out)
    chance, numbered = numbers(chances, "chances"), whole(nearest_rows, "nearest rows")
    if not chance.shape == numbered.shape == ours.shape or chance.min() < 0 or chance.max() > 1:
        raise InputError(f"there are {chance.shape} chances, {numbered.shape} nearest rows: give one for each distance")
    hits = np.where(ours == theirs, chance, ours < theirs)
    _, which = np.unique(numbered, return_inverse=True)
    excess = np.bincount(which, weights=hits - chance)
    variance = float((np.bincount(which) ** 2 * np.bincount(which, weights=chance * (1 - chance)) / np.bincount(which))
                     .sum())  # fmt: skip
    deviations = float(excess.sum()) / sqrt(variance) if variance > 0 else 0.0
    return Excess(float(hits.mean()), float(chance.mean()), deviations)


def authenticity(to_training: ArrayLike, around: ArrayLike) -> Estimate:
    """The share of rows that are farther from their nearest training row than that is from its own nearest.

    to_training `(N,)`; around `(N,)`: the distance of each row's nearest training row to the nearest other one. A copy
    is not authentic; of held-out rows about half are. Source: Alaa et al. 2022.
    """
    ours, theirs = _distances(to_training, around)
    return share_right(ours > theirs, of="generated")


def copying_statistic(generated: ArrayLike, held_out: ArrayLike, cells: tuple[ArrayLike, ArrayLike]) -> Estimate:
    """C_T: in standard deviations, how much farther from the training rows generated ones are than held-out ones.

    generated `(N,)` and held_out `(M,)`: distances to the nearest training row; cells: the part of space that each
    lies in, int `(N,)` and `(M,)`. Far below 0 tells of copying or of images more typical than real ones are, far above
    it of underfitting. The Mann-Whitney statistic of each cell with enough of both, averaged by the cells' held-out
    rows; 0 where there is none. Source: Meehan et al. 2020.
    """
    (ours,), (theirs,) = _distances(generated), _distances(held_out)
    cells_ours, cells_theirs = (whole(one, "cells") for one in cells)
    if cells_ours.shape != ours.shape or cells_theirs.shape != theirs.shape:
        raise InputError(f"there are {cells_ours.shape} and {cells_theirs.shape} cells: give one for each distance")
    groups_ours, groups_theirs = groups_of(len(ours)), groups_of(len(theirs))
    return jackknife(
        _statistic(ours, theirs, cells_ours, cells_theirs),
        real=[
            [_statistic(ours, theirs[kept], cells_ours, cells_theirs[kept]) for kept in _kept(groups_theirs)],
        ],
        generated=[
            [_statistic(ours[kept], theirs, cells_ours[kept], cells_theirs) for kept in _kept(groups_ours)],
        ],
    )


def centers_of(training: ArrayLike, *, count: int, seed: int = 0) -> Rows:
    """The k-means centers of the training rows `(count, D)`; as many as there are rows where these are fewer."""
    rows = feature_rows(training, name="training")
    if count < 1:
        raise InputError(f"{count} centers are asked for: give 1 or more")
    with catch_warnings(action="ignore"):  # rows that are there twice leave cells empty, which harms nothing
        centers, _ = kmeans2(rows, min(count, len(rows)), iter=ROUNDS, minit="++", seed=seed % 2**32, missing="warn")
    return np.asarray(centers, np.float64)


def cells_of(rows: ArrayLike, centers: Rows) -> Places:
    """Which center each row is nearest to, int `(N,)`."""
    found, known = feature_rows(rows, least=1), feature_rows(centers, name="centers'", least=1)
    same_columns(known, found)
    return np.asarray(vq(found, known)[0], np.int64)


def _statistic(ours: Rows, theirs: Rows, cells_ours: Places, cells_theirs: Places) -> float:
    total = weight = 0.0
    for cell in np.unique(cells_theirs):
        a, b = ours[cells_ours == cell], theirs[cells_theirs == cell]
        if min(len(a), len(b)) < FEWEST_IN_CELL:
            continue
        above = mid_ranks(np.concatenate([a, b]))[: len(a)].sum() - len(a) * (len(a) + 1) / 2
        deviation = sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
        total += len(b) * (above - len(a) * len(b) / 2) / deviation
        weight += len(b)
    return float(total / weight) if weight else 0.0


def _kept(groups: Places) -> list[NDArray[np.bool_]]:
    return [groups != group for group in range(groups.max() + 1)]


def _distances(*values: ArrayLike) -> list[Rows]:
    """Of the same rows, from 0 on."""
    found = [numbers(each, "distances") for each in values]
    for distances in found:
        if distances.ndim != 1 or len(distances) < 2 or distances.shape != found[0].shape or distances.min() < 0:
            raise InputError(f"distances have the shape {distances.shape}: give two or more finite ones, from 0 on")
    return found
