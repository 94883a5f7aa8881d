"""The attacks by name: what each is, what it sees of the model, and how it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch

from elmyr.core.tables import Table
from elmyr.tasks.recognition.attacks.apgd import TARGETS, apgd, targeted
from elmyr.tasks.recognition.attacks.balls import Norm
from elmyr.tasks.recognition.attacks.fab import fab
from elmyr.tasks.recognition.attacks.gradient import fgsm, pgd
from elmyr.tasks.recognition.attacks.losses import Loss, cross_entropy, difference_of_logits_ratio
from elmyr.tasks.recognition.attacks.noise import noise
from elmyr.tasks.recognition.attacks.seam import Model
from elmyr.tasks.recognition.attacks.square import square

Sees = Literal["gradients", "logits", "predictions"]
WHITE: Sees = "gradients"


class Runs(Protocol):
    """Changes images float (N, C, H, W) in [0, 1] within ε, so that a model misreads them where it can."""

    def __call__(
        self,
        model: Model,
        images: torch.Tensor,
        labels: torch.Tensor,
        *,
        norm: Norm,
        epsilon: float,
        steps: int,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """The changed images."""


@dataclass(frozen=True)
class AttackSpec:
    """One kind of attack.

    title: for people. paper: where it is from, "" where from none. sees: what of the model it uses: gradients (white
    box), or logits or predictions alone (black box). steps: of an attack as its authors, or the field, run it.
    passes: how often an image goes through the model at most, there and back counting three times, by the steps and the
    number of classes. draws: whether another seed is another attack. norms: those that it knows.
    """

    title: str
    paper: str
    sees: Sees
    run: Runs
    steps: int
    passes: Callable[[int, int], int]
    draws: bool = True
    norms: tuple[Norm, ...] = ("Linf", "L2")

    @property
    def is_black_box(self) -> bool:
        """Whether it works without any gradient."""
        return self.sees != WHITE


def _by_loss(loss: Loss) -> Runs:
    """APGD on one loss."""

    def run(
        model: Model,
        images: torch.Tensor,
        labels: torch.Tensor,
        *,
        norm: Norm,
        epsilon: float,
        steps: int,
        generator: torch.Generator,
    ) -> torch.Tensor:
        return apgd(
            model, images, labels, norm=norm, epsilon=epsilon, steps=steps, loss=lambda _: loss, generator=generator
        )

    return run


def _fgsm(
    model: Model,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    norm: Norm,
    epsilon: float,
    steps: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """One step, whatever is asked."""
    return fgsm(model, images, labels, norm=norm, epsilon=epsilon)


def _targets(classes: int) -> int:
    return min(TARGETS, classes - 1)


ATTACKS: Table[AttackSpec] = Table(
    "attack",
    {
        "noise": AttackSpec("random noise", "", "predictions", noise, steps=10, passes=lambda steps, classes: steps),
        "fgsm": AttackSpec(
            "FGSM", "Goodfellow et al. 2015", WHITE, _fgsm, steps=1, passes=lambda steps, classes: 4, draws=False
        ),
        "pgd": AttackSpec(
            "PGD", "Madry et al. 2018", WHITE, pgd, steps=40, passes=lambda steps, classes: 3 * steps + 1
        ),
        "apgd-ce": AttackSpec(
            "APGD on cross-entropy",
            "Croce & Hein 2020",
            WHITE,
            _by_loss(cross_entropy),
            steps=100,
            passes=lambda steps, classes: 3 * steps + 4,
        ),
        "apgd-dlr": AttackSpec(
            "APGD on the difference of logits ratio",
            "Croce & Hein 2020",
            WHITE,
            _by_loss(difference_of_logits_ratio),
            steps=100,
            passes=lambda steps, classes: 3 * steps + 4,
        ),
        "apgd-t": AttackSpec(
            "APGD towards each other class",
            "Croce & Hein 2020",
            WHITE,
            targeted,
            steps=100,
            passes=lambda steps, classes: _targets(classes) * (3 * steps + 4) + 1,
        ),
        "fab-t": AttackSpec(
            "FAB towards each other class",
            "Croce & Hein 2020",
            WHITE,
            fab,
            steps=100,
            passes=lambda steps, classes: _targets(classes) * (4 * steps + 1) + 1,
            draws=False,
        ),
        "square": AttackSpec(
            "Square", "Andriushchenko et al. 2020", "logits", square, steps=5000, passes=lambda steps, classes: steps
        ),
    },
)
AUTO = "auto"
AUTO_ATTACK = ("apgd-ce", "apgd-t", "fab-t", "square")  # the standard one, in its order (Croce & Hein 2020)
