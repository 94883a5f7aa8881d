"""What an attack makes larger: functions of logits (N, K) and labels (N,), a value an image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional as F

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
TINY = 1e-12

FEWEST_FOR_DLR, FEWEST_FOR_TARGETED_DLR = 3, 4  # classes


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Of the labels; flat where the model is very sure, whatever the image."""
    return F.cross_entropy(logits, labels, reduction="none")


def margin(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The best other logit minus the label's: 0 or more where the image is misread."""
    own = logits.gather(1, labels[:, None]).squeeze(1)
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.amax(1) - own


def difference_of_logits_ratio(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The margin over the gap from the first to the third logit: the same whatever the scale of the logits.

    DLR of Croce & Hein 2020. Of two classes, which have no third logit, the margin itself.
    """
    if logits.shape[1] < FEWEST_FOR_DLR:
        return margin(logits, labels)
    ordered = logits.sort(1, descending=True).values
    return margin(logits, labels) / (ordered[:, 0] - ordered[:, 2] + TINY)


def told_of_few_classes(classes: int) -> str | None:
    """What stands in for the ratio where there are too few classes for it; None where there are enough."""
    if classes >= FEWEST_FOR_TARGETED_DLR:
        return None
    instead = "the plain margin is" if classes < FEWEST_FOR_DLR else "towards a class, the third logit alone is"
    return f"{classes} classes are too few for the whole difference of logits ratio: {instead} taken"


def towards(targets: torch.Tensor) -> Loss:
    """The same towards one other class an image (N,): its logit minus the label's, over a gap.

    The gap is from the first logit to the middle between the third and the fourth; with three classes to the third,
    with two it is left out.
    """

    def targeted(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        picked = logits.gather(1, torch.stack([targets, labels], 1))
        gain = picked[:, 0] - picked[:, 1]
        classes = logits.shape[1]
        if classes < FEWEST_FOR_DLR:
            return gain
        ordered = logits.sort(1, descending=True).values
        third = ordered[:, 2] if classes < FEWEST_FOR_TARGETED_DLR else (ordered[:, 2] + ordered[:, 3]) / 2
        return gain / (ordered[:, 0] - third + TINY)

    return targeted
