"""The nearest real images to images that may have been moved, turned, mirrored, recolored or cut.

Each image is changed in 78 ways; a projection finds the real image that correlates most with each of them, and
the best few are looked at through the tangent distance (Simard, LeCun & Denker 1993): what is left of the real image
after the changed one, its derivatives by angle, size and position, and a constant are fitted to it. Brightness,
contrast and inversion are fitted with them, and colors are left out. Training and held-out images are searched alike.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import cos, radians, sin
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from elmyr.evaluation.features import AT_ONCE, squares
from elmyr.images import ImageSet
from elmyr.metrics import NearestRows

FINE, COARSE = 32, 16  # pixels a side: at most, of what is changed; of what is compared
SAMPLES = 2 * COARSE  # a side, that the means of a changed image are taken of
TURNED = (-9.0, -5.0, 5.0, 9.0)  # degrees
SHRUNK, ENLARGED = 0.87, 1.12  # sizes that what was cut out and enlarged, or shrunk, is brought back by
LEAST_STEP = 1 / 28  # of a side: a pixel, but not of larger images
ANGLE, ZOOM, SHIFT = 3.0, 1.04, 0.02  # steps that derivatives are taken over: degrees, size, share of a side
RIDGE = 1e-4  # of the fit, so that a derivative that is nearly 0 explains nothing
COMPONENTS = 64  # of the projection
FITTED = 10_000  # real images that the projection is made of
REFINED = 3  # best matches of either side that are looked at through the tangent distance
ROWS = 250  # changed images at a time
FARTHEST = 1.0  # of all distances

Rows = NDArray[np.float32]
Places = NDArray[np.int64]


class Change(NamedTuple):
    """Of an image: whether it is mirrored; degrees; size; shares of a side that it is moved by."""

    mirrored: bool = False
    angle: float = 0.0
    zoom: float = 1.0
    down: float = 0.0
    right: float = 0.0


class Views(NamedTuple):
    """Gray images `(N, height * width)`, at most 32x32, in [0, 1]."""

    rows: Rows
    height: int
    width: int


class Match(NamedTuple):
    """The nearest of the training images and of the held-out ones, at distances from 0 to 1.

    Of `joint` both are of the best matches of both sides together, which favors neither: 1 where a side has none.
    """

    to_training: NearestRows
    to_held_out: NearestRows
    joint_to_training: NearestRows
    joint_to_held_out: NearestRows


class _Candidates(NamedTuple):
    """Of each image and change the best match `(N, T)`: its correlation, and its place."""

    likeness: Rows
    places: Places


def views_of(images: ImageSet, places: Places | None = None) -> Views:
    """Images at some places, or all, as the search looks at them; a block of them in memory at a time."""
    places = np.arange(len(images)) if places is None else places
    shape = min(images.height, FINE), min(images.width, FINE)
    blocks = [np.empty((0, shape[0] * shape[1]), np.float32)]
    for start in range(0, len(places), AT_ONCE):
        means = squares(np.asarray(images.images[places[start : start + AT_ONCE]]), FINE)
        blocks.append(means.reshape(-1, shape[0] * shape[1], images.channels).mean(axis=2).astype(np.float32))
    return Views(np.concatenate(blocks), *shape)


class AlteredSearch:
    """Finds the nearest of the training images and of the held-out ones to images that may have been altered."""

    def __init__(self, training: Views, held_out: Views) -> None:
        self._sides = [_standardized(_changed(views, Change())) for views in (training, held_out)]
        every = max(1, sum(map(len, self._sides)) // FITTED)
        fitted = np.concatenate([side[::every] for side in self._sides]).astype(np.float64)
        _, directions = np.linalg.eigh(fitted.T @ fitted)
        self._directions = directions[:, -COMPONENTS:].astype(np.float32)
        self._projected = [side @ self._directions for side in self._sides]

    def __call__(self, views: Views) -> Match:
        """The nearest ones to each image."""
        found = self._candidates(views)
        chosen = [np.argsort(-side.likeness, axis=1, kind="stable")[:, :REFINED] for side in found]
        likeness = [np.take_along_axis(side.likeness, best, 1) for side, best in zip(found, chosen, strict=True)]
        both = np.sort(np.concatenate(likeness, axis=1), axis=1)[:, -REFINED]
        sides, joint = list[NearestRows](), list[NearestRows]()
        for known, side, best, alike in zip(self._sides, found, chosen, likeness, strict=True):
            places = np.take_along_axis(side.places, best, 1)
            distances = self._refined(views, known, best, places)
            sides.append(_nearest(distances, places))
            joint.append(_nearest(np.where(alike >= both[:, None], distances, FARTHEST), places))
        return Match(*sides, *joint)

    def _candidates(self, views: Views) -> list[_Candidates]:
        changes = changes_of(views.height, views.width)
        shape = len(views.rows), len(changes)
        found = [_Candidates(np.empty(shape, np.float32), np.empty(shape, np.int64)) for _ in self._sides]
        for number, change in enumerate(changes):
            rows = _standardized(_changed(views, change)) @ self._directions
            for start in range(0, len(rows), ROWS):
                part = slice(start, start + ROWS)
                for side, known in zip(found, self._projected, strict=True):
                    alike = np.abs(rows[part] @ known.T)
                    best = alike.argmax(axis=1)
                    side.places[part, number] = best
                    side.likeness[part, number] = alike[np.arange(len(best)), best]
        return found

    def _refined(self, views: Views, known: Rows, chosen: Places, places: Places) -> NDArray[np.float64]:
        """The tangent distances of the chosen changes of each image to the real images at some places, all `(N, K)`."""
        distances = np.full(chosen.shape, FARTHEST)
        for number, change in enumerate(changes_of(views.height, views.width)):
            rows, columns = np.nonzero(chosen == number)
            if len(rows):
                some = Views(views.rows[rows], views.height, views.width)
                distances[rows, columns] = tangent_distances(some, change, known[places[rows, columns]])
        return distances


def tangent_distances(views: Views, change: Change, known: Rows) -> NDArray[np.float64]:
    """What no small change of changed images fits of standardized real ones `(N, 256)`: from 0 to 1, a row for each."""
    changed = _changed(views, change)
    steps = (
        change._replace(angle=change.angle + ANGLE),
        change._replace(zoom=change.zoom * ZOOM),
        change._replace(down=change.down + SHIFT),
        change._replace(right=change.right + SHIFT),
    )
    fitted = np.stack([changed, *(_changed(views, step) - changed for step in steps)], axis=1).astype(np.float64)
    fitted -= fitted.mean(axis=2, keepdims=True)
    products = fitted @ fitted.transpose(0, 2, 1)
    ridge = RIDGE * products[:, 0, 0] + 1e-12
    aims = np.einsum("nkd,nd->nk", fitted, known)
    weights = np.linalg.solve(products + ridge[:, None, None] * np.eye(len(steps) + 1), aims[..., None])[..., 0]
    left = known - np.einsum("nkd,nk->nd", fitted, weights)
    return np.asarray(np.minimum(np.linalg.norm(left, axis=1), FARTHEST))


@lru_cache(maxsize=4)
def changes_of(height: int, width: int) -> tuple[Change, ...]:
    """The changes that are tried: moved by up to two pixels, turned, shrunk and moved, enlarged; each mirrored too."""
    pixel = max(1 / max(height, width), LEAST_STEP)
    moved = [Change(down=down * pixel, right=right * pixel) for down, right in product((0, -2, -1, 1, 2), repeat=2)]
    cut = [
        Change(zoom=SHRUNK, down=down * pixel, right=right * pixel) for down, right in product((-1.5, 0, 1.5), repeat=2)
    ]
    straight = [*moved, *(Change(angle=angle) for angle in TURNED), *cut, Change(zoom=ENLARGED)]
    return (*straight, *(change._replace(mirrored=True) for change in straight))


@lru_cache(maxsize=2000)
def _operator(height: int, width: int, change: Change) -> csr_array:
    """The weights `(256, height * width)` of an image's pixels in the means over 16x16 squares of the changed one.

    Beyond its edge an image goes on as at the edge.
    """
    places = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    down, right = np.meshgrid(places, places, indexing="ij")
    right = -right if change.mirrored else right
    along, across = cos(radians(change.angle)) / change.zoom, sin(radians(change.angle)) / change.zoom
    rows = np.clip((along * down + across * right + change.down + 0.5) * height - 0.5, 0, height - 1)
    columns = np.clip((along * right - across * down + change.right + 0.5) * width - 0.5, 0, width - 1)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    lower, later = rows - top, columns - left
    square = np.arange(SAMPLES) // (SAMPLES // COARSE)
    squares_of = np.broadcast_to(square[:, None] * COARSE + square, rows.shape)
    weights, pixels = [], []
    for row, column, weight in (
        (top, left, (1 - lower) * (1 - later)),
        (top, left + 1, (1 - lower) * later),
        (top + 1, left, lower * (1 - later)),
        (top + 1, left + 1, lower * later),
    ):
        weights.append(weight / (SAMPLES // COARSE) ** 2)
        pixels.append(np.minimum(row, height - 1) * width + np.minimum(column, width - 1))
    into = np.concatenate([squares_of.ravel()] * 4)
    values = np.concatenate([weight.ravel() for weight in weights]).astype(np.float32)
    return csr_array((values, (into, np.concatenate([each.ravel() for each in pixels]))), (COARSE**2, height * width))


def _changed(views: Views, change: Change) -> Rows:
    return np.ascontiguousarray((_operator(views.height, views.width, change) @ views.rows.T).T)


def _standardized(rows: Rows) -> Rows:
    """Of mean 0 and length 1; blank ones stay 0."""
    centered = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.asarray(np.divide(centered, lengths, out=np.zeros_like(centered), where=lengths > 1e-3))


def _nearest(distances: NDArray[np.float64], places: Places) -> NearestRows:
    best = distances.argmin(axis=1)
    rows = np.arange(len(best))
    return NearestRows(distances[rows, best], places[rows, best])
