"""The Inception Score: are single images clear, and all of them together varied?

Salimans et al. 2016, "Improved Techniques for Training GANs".
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elmyr.metrics.arrays import probability_rows
from elmyr.metrics.jackknife import Estimate, groups_of, jackknife
from elmyr.metrics.labels import wilson_interval

FEWEST = 4  # rows, below which leaving one out tells nothing: of two, both left-out scores are 1


def inception_score(probabilities: Any, *, labels: NDArray[np.int64] | None = None) -> Estimate:
    """exp of the mean of KL(p(y|x) ‖ p(y)), from class probabilities `(N, K)`: 1 (worst) to K.

    One split over the full set. A classifier of the images' own classes takes the place of Inception, so it compares
    only within one classifier. labels `(N,)`: that were fixed before the images were drawn. Of fewer than 4 rows the
    interval is all that a score can be; of rows that are all alike it reaches up to what the score were if as many
    clear images of another class had been missed as Wilson's interval allows for. Raises InputError for fewer than 2
    rows, or rows that are no probabilities.
    """
    rows = probability_rows(probabilities, least=2)
    groups = groups_of(len(rows), labels)
    member = np.eye(groups.max() + 1)[groups].T
    sums, entropies, counts = member @ rows, member @ _negative_entropy(rows), member.sum(axis=1)
    most = float(rows.shape[1])
    value = min(most, max(1.0, _score(sums.sum(axis=0), entropies.sum(), counts.sum())))  # but for rounding
    left_out = [
        _score(np.delete(sums, g, 0).sum(axis=0), np.delete(entropies, g).sum(), np.delete(counts, g).sum())
        for g in range(len(counts))
    ]
    found = jackknife(value, generated=[left_out], low=1.0, high=most)
    if len(rows) < FEWEST:
        return replace(found, low=1.0, high=most)
    if found.low < found.high or most == 1:
        return found
    _, missed = wilson_interval(0, len(rows))
    unseen = np.eye(rows.shape[1])[sums.sum(axis=0).argmin()]
    high = _score((1 - missed) * rows.mean(axis=0) + missed * unseen, (1 - missed) * entropies.sum() / len(rows), 1.0)
    return replace(found, high=min(most, high))


def _score(probabilities: NDArray[np.float64], negative_entropy: float, count: float) -> float:
    """From sums over `count` images. mean KL = H(mean p) − mean H(p)."""
    return float(np.exp(negative_entropy / count - _negative_entropy(probabilities / count)))


def _negative_entropy(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ p log p over the last axis, 0 log 0 being 0."""
    return np.asarray((rows * np.log(np.where(rows > 0, rows, 1.0))).sum(axis=-1))
