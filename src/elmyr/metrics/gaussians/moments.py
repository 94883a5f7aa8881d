"""Means and covariances of features: of samples, and of all replicates of a sample together."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.metrics.design import Replicates
from elmyr.metrics.features import feature_rows

Rows = NDArray[np.float64]

AT_ONCE = 1 << 21  # values of covariances, up to which those of all replicates are held together: 16 MB of float64


class Gaussian(NamedTuple):
    """The mean `(D,)` and the covariance `(D, D)` of features, float64."""

    mean: Rows
    covariance: Rows


class Turned(NamedTuple):
    """Of some replicates of centered rows: means (g, D), traces (g,) of covariances, and these in another basis."""

    means: Rows
    traces: Rows
    covariances: Rows


def gaussian_of(features: ArrayLike) -> Gaussian:
    """The mean and the unbiased covariance of features `(N, D)`.

    Raises InputError for fewer than 2 rows, a shape other than `(N, D)`, or values that are not finite.
    """
    rows = feature_rows(features)
    mean = rows.mean(axis=0)
    centered = rows - mean
    return Gaussian(mean, centered.T @ centered / (len(rows) - 1))


def diagonals(matrices: Rows) -> Rows:
    """A view of the diagonals of (g, D, D): (g, D)."""
    return np.asarray(np.einsum("gii->gi", matrices))


class Side(Protocol):
    """A sample, as a Gaussian and by its replicates."""

    whole: Gaussian

    def turned(self, turn: Rows) -> Iterator[Turned]:
        """All replicates, some at a time, with covariances in the basis of the columns of `turn` (D, D)."""


def side_of(rows: Rows, replicates: Replicates) -> Side:
    """Of rows `(N, D)`."""
    columns = rows.shape[1]
    together = len(replicates.members) * columns**2 <= AT_ONCE
    return _Together(rows, replicates) if together else _Streamed(rows, replicates)


class _Weights:
    """What a row weighs where no replicate lightens it, what is taken off where one does, and what that makes."""

    def __init__(self, replicates: Replicates) -> None:
        count = len(replicates.kept)
        self.kept, self.taken = replicates.kept / count, (replicates.kept - replicates.lighter) / count
        self.even = bool((self.kept == self.kept[0]).all())
        self.squares = float((self.kept**2).sum())

    def left(self, members: NDArray[np.int64]) -> float:
        """One less the sum of the squared weights of a replicate."""
        off = self.taken[members]
        return 1 - self.squares + float((off * (2 * self.kept[members] - off)).sum())


class _Together:
    """Sums and squares of what each replicate takes off, a group at a time, while it is in the processor's cache."""

    def __init__(self, rows: Rows, replicates: Replicates) -> None:
        count, columns = rows.shape
        weights, members = _Weights(replicates), replicates.members
        mean = rows.mean(axis=0)
        self.sums = np.empty((len(members), columns))
        self.squares = np.empty((len(members), columns, columns))
        for number, group in enumerate(members):
            part, off = rows.take(group, axis=0), weights.taken[group]
            part -= mean
            self.sums[number] = off @ part
            self.squares[number] = _square(part, off)
        self.left = np.array([weights.left(group) for group in members])
        if weights.even and (replicates.lighter == 0).all():  # every row in one group: together they are the sample
            self.total, self.square = np.zeros(columns), self.squares.sum(axis=0)
            square = self.square / weights.kept[0]
        else:
            centered = rows - mean
            square = centered.T @ centered
            self.total = weights.kept @ centered
            self.square = weights.kept[0] * square if weights.even else _square(centered, weights.kept)
        self.whole = Gaussian(mean, square / (count - 1))

    def turned(self, turn: Rows) -> Iterator[Turned]:
        means = self.total - self.sums
        traces = np.trace(self.square) - diagonals(self.squares).sum(axis=1) - (means**2).sum(axis=1)
        squares = self.square - self.squares
        found = turn.T @ (squares.reshape(-1, len(turn)) @ turn).reshape(squares.shape)
        turned = means @ turn
        found -= turned[:, :, None] * turned[:, None, :]
        found /= self.left[:, None, None]
        yield Turned(means, traces / self.left, found)


class _Streamed:
    """One replicate after the other: covariances of many columns take much memory."""

    def __init__(self, rows: Rows, replicates: Replicates) -> None:
        mean = rows.mean(axis=0)
        self.centered, self.replicates = rows - mean, replicates
        self.whole = Gaussian(mean, self.centered.T @ self.centered / (len(rows) - 1))

    def turned(self, turn: Rows) -> Iterator[Turned]:
        square = (len(self.centered) - 1) * self.whole.covariance
        if len(self.centered) > 2 * len(self.replicates.members) * len(turn):  # fewer products to turn covariances
            for mean, found in _of_centered(self.centered, square, self.replicates):
                yield Turned(mean[None], np.trace(found)[None], (turn.T @ found @ turn)[None])
        else:
            of_rows = _of_centered(self.centered @ turn, turn.T @ square @ turn, self.replicates)
            moments = zip(*_means_and_traces(self.centered, self.replicates), strict=True)
            for (mean, trace), (_, covariance) in zip(moments, of_rows, strict=True):
                yield Turned(mean[None], trace[None], covariance[None])


def gaussians_of(rows: Rows, replicates: Replicates, first: int = 0) -> Iterator[Gaussian]:
    """The Gaussian of each replicate from the `first` on."""
    shift = rows.mean(axis=0)  # sums of squares of centered rows lose no digits
    centered = rows - shift
    found = _of_centered(centered, centered.T @ centered, replicates, first)
    return (Gaussian(mean + shift, covariance) for mean, covariance in found)


def _of_centered(centered: Rows, square: Rows, replicates: Replicates, first: int = 0) -> Iterator[Gaussian]:
    """The same of rows whose mean is 0, and the product of which with themselves is known."""
    weights = _Weights(replicates)
    total = weights.kept @ centered
    square = weights.kept[0] * square if weights.even else _square(centered, weights.kept)
    for members in replicates.members[first:]:
        part, off = centered[members], weights.taken[members]
        mean = total - off @ part
        covariance = square - _square(part, off) - np.outer(mean, mean)
        yield Gaussian(mean, covariance / weights.left(members))


def _means_and_traces(centered: Rows, replicates: Replicates) -> tuple[Rows, Rows]:
    """The mean (G, D) and the trace of the covariance (G,) of each replicate."""
    weights = replicates.weights()[:, 1:]
    means = weights.T @ centered
    traces = weights.T @ (centered**2).sum(axis=1) - (means**2).sum(axis=1)
    return means, traces / (1 - (weights**2).sum(axis=0))


def _square(rows: Rows, weights: Rows) -> Rows:
    """Σ w x xᵀ; a product of one array with itself takes half the time."""
    if (weights == weights[0]).all():
        return np.asarray(weights[0] * (rows.T @ rows))
    scaled = rows * np.sqrt(weights)[:, None]
    return np.asarray(scaled.T @ scaled)
