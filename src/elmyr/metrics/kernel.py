"""The kernel distance between two sets of features.

Bińkowski, Sutherland, Arbel & Gretton 2018, "Demystifying MMD GANs".
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elmyr.core.errors import InputError
from elmyr.metrics.features import feature_pair
from elmyr.metrics.jackknife import Estimate, digest_of, groups_of, jackknife

LARGEST = 1e80  # mean square of a row, past which sums over the cubes leave float64
BLOCK = 4_000_000  # kernel values held at a time: 32 MB of float64

Rows = NDArray[np.float64]


def kernel_distance(real: ArrayLike, generated: ArrayLike) -> Estimate:
    """The unbiased squared maximum mean discrepancy of features `(N, D)` and `(M, D)`, kernel (x·y / D + 1)³.

    Its expectation is 0 for equal distributions, whatever the counts; a single value may be below. Comparable within
    one feature extractor. The interval covers both samples. Raises InputError for fewer than 4 rows, different D, or
    values that are not finite or past 1e40. Source: Bińkowski et al. 2018.
    """
    a, b = feature_pair(real, generated, least=4)
    reach = max(float((rows**2).sum(axis=1).max()) for rows in (a, b)) / a.shape[1]
    if reach > LARGEST:
        raise InputError(
            f"features reach to a mean square of {reach:.3g}, whose cube leaves float64: bring them to the size of 1"
        )
    within_a, within_b, across = _group_sums(a, a), _group_sums(b, b), _group_sums(a, b)
    own_a, own_b = (_diagonal_sums(rows) for rows in (a, b))
    counts_a, counts_b = (np.bincount(groups_of(len(rows))).astype(np.float64) for rows in (a, b))
    value = _discrepancy(within_a, own_a, counts_a, within_b, own_b, counts_b, across)
    without_a = [
        _discrepancy(*_without(within_a, own_a, counts_a, g), within_b, own_b, counts_b, np.delete(across, g, 0))
        for g in range(len(counts_a))
    ]
    without_b = [
        _discrepancy(within_a, own_a, counts_a, *_without(within_b, own_b, counts_b, g), np.delete(across, g, 1))
        for g in range(len(counts_b))
    ]
    return jackknife(value, real=[without_a], generated=[without_b], beside=digest_of(a))


def _discrepancy(
    within_a: Rows, own_a: Rows, counts_a: Rows, within_b: Rows, own_b: Rows, counts_b: Rows, across: Rows
) -> float:
    """From sums of the kernel over pairs of groups, over pairs of a row with itself, and the groups' counts."""
    n, m = counts_a.sum(), counts_b.sum()
    pairs_a = (within_a.sum() - own_a.sum()) / (n * (n - 1))
    pairs_b = (within_b.sum() - own_b.sum()) / (m * (m - 1))
    return float(pairs_a + pairs_b - 2 * across.sum() / (n * m))


def _without(within: Rows, own: Rows, counts: Rows, group: int) -> tuple[Rows, Rows, Rows]:
    return np.delete(np.delete(within, group, 0), group, 1), np.delete(own, group), np.delete(counts, group)


def _group_sums(a: Rows, b: Rows) -> Rows:
    """The kernel's sums over all pairs of a group of `a` and one of `b`: (G, H)."""
    groups_a, groups_b = groups_of(len(a)), groups_of(len(b))
    member_b = np.eye(groups_b.max() + 1)[groups_b]
    sums = np.zeros((groups_a.max() + 1, member_b.shape[1]))
    for part, kernel in _kernel_blocks(a, b):
        np.add.at(sums, groups_a[part], kernel @ member_b)
    return sums


def _diagonal_sums(rows: Rows) -> Rows:
    """The kernel of each row with itself, summed over groups: (G,)."""
    own = ((rows**2).sum(axis=1) / rows.shape[1] + 1) ** 3
    return np.asarray(np.bincount(groups_of(len(rows)), weights=own), np.float64)


def _kernel_blocks(a: Rows, b: Rows) -> Iterator[tuple[slice, Rows]]:
    height = max(1, BLOCK // len(b))
    for start in range(0, len(a), height):
        part = slice(start, start + height)
        base = a[part] @ b.T / a.shape[1] + 1
        yield part, base * base * base  # several times as fast as **3
