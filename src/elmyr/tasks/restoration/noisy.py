"""Images that are noisy and have holes as well: filled first, then cleaned as a whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elmyr.tasks.restoration.repair import Repair, deviation
from elmyr.tasks.restoration.restorer import Restorer


def restore_noisy(
    restorer: Restorer,
    images: NDArray[np.uint8],
    masks: NDArray[np.bool_] | None = None,
    *,
    answers: int = 1,
    seed: int = 0,
) -> Repair:
    """The same as `restorer.restore`, but with masks, too, every pixel may change.

    There what is known stays to the bit, also its noise: so each answer is looked at once more, without masks.
    """
    repair = restorer.restore(images, masks, answers=answers, seed=seed)
    if masks is None:
        return repair
    cleaned = restorer.restore(repair.images).images
    if not len(repair.answers):
        return Repair(cleaned, repair.answers, repair.uncertainty)
    several = np.stack([restorer.restore(answer).images for answer in repair.answers])
    return Repair(cleaned, several, deviation(several))
