"""Adversarial objectives: each class holds the discriminator's and the generator's side of one game.

Both sides take the logits of real and of generated images, (N,) each and paired, and return losses (N,), unreduced.
"""

from collections.abc import Callable
from inspect import signature
from typing import Any, Protocol, cast

import torch
from torch.nn.functional import relu, softplus

from elmyr.core.errors import InputError
from elmyr.core.tables import Table

Mean = Callable[[torch.Tensor], torch.Tensor]  # logits (N,) of a batch, or of a process's share of it -> 0-d

SIDES = ("discriminator", "generator")


class Objective(Protocol):
    """What an adversarial objective gives."""

    @property
    def border(self) -> float | None:
        """The logit above which an image is taken for real; None where only the difference of two logits says."""
        ...

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The discriminator's loss (N,)."""
        ...

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The generator's loss (N,); `real` counts in the relativistic games alone."""
        ...


def binary_cross_entropy(logits: torch.Tensor, target: float) -> torch.Tensor:
    """-target log D - (1 - target) log(1 - D) of D = sigmoid(logits) (N,), without ever taking the sigmoid."""
    return softplus(-logits) + (1 - target) * logits


class Minimax:
    """-log D(x) - log(1 - D(G(z))) against log(1 - D(G(z))), the game as it was first told (Goodfellow et al. 2014).

    The generator's gradient vanishes where the discriminator is sure of it: `NonSaturating` is the paper's own remedy.
    """

    border = 0.0

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor, target: float = 1.0) -> torch.Tensor:
        """Real logits up, generated ones down."""
        return binary_cross_entropy(real, target) + softplus(fake)

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """What the discriminator gains on generated logits, lost."""
        return -softplus(fake)


class NonSaturating:
    """-log D(x) - log(1 - D(G(z))) against -log D(G(z)) (Goodfellow et al. 2014)."""

    border = 0.0

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor, target: float = 1.0) -> torch.Tensor:
        """Real logits up, generated ones down."""
        return binary_cross_entropy(real, target) + softplus(fake)

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Generated logits up."""
        return softplus(-fake)


class LeastSquares:
    """Half the squared distance of the logits from 1 for real and 0 for generated images (Mao et al. 2017)."""

    border = 0.5

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor, target: float = 1.0) -> torch.Tensor:
        """Real logits to the target, generated ones to 0."""
        return ((real - target).square() + fake.square()) / 2

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Generated logits to 1."""
        return (fake - 1).square() / 2


class Hinge:
    """Logits pushed apart up to a margin of 1 on either side of 0 (Lim and Ye 2017; Miyato et al. 2018)."""

    border = 0.0

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Real logits above 1, generated ones below -1; beyond, they are left alone."""
        return relu(1 - real) + relu(1 + fake)

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Generated logits up, without bound."""
        return -fake


class Wasserstein:
    """The difference of the logits (Arjovsky et al. 2017).

    It estimates a distance only of a discriminator that is Lipschitz, which the gradient penalty, spectral norms or
    clipped weights have to see to.
    """

    border: float | None = None

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Real logits up, generated ones down, without bound."""
        return fake - real

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Generated logits up, without bound."""
        return -fake


class RelativisticPairing:
    """Each generated image against its real partner (Jolicoeur-Martineau 2018; RpGAN in Huang et al. 2024).

    With classes the partners share their label: the generator is asked for the real batch's labels.
    """

    border: float | None = None

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor, target: float = 1.0) -> torch.Tensor:
        """The real partner's logit above the generated one's."""
        return binary_cross_entropy(real - fake, target)

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The generated partner's logit above the real one's."""
        return softplus(real - fake)


class RelativisticAverage:
    """Each image against the batch mean of the other side (RaSGAN, Jolicoeur-Martineau 2018)."""

    border: float | None = None

    def __init__(self, mean: Mean = torch.mean) -> None:
        self.mean = mean

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor, target: float = 1.0) -> torch.Tensor:
        """Real logits above the mean generated one, generated ones below the mean real one."""
        return binary_cross_entropy(real - self.mean(fake), target) + softplus(fake - self.mean(real))

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Generated logits above the mean real one, real ones below the mean generated one."""
        return softplus(self.mean(real) - fake) + softplus(real - self.mean(fake))


def _accepted(part: Any) -> type[Objective]:
    if not isinstance(part, type) or not all(callable(getattr(part, side, None)) for side in SIDES):
        raise InputError("an objective is a class with the methods discriminator(real, fake) and generator(real, fake)")
    return part


OBJECTIVES: Table[type[Objective]] = Table(
    "objective",
    {
        "relativistic-pairing": RelativisticPairing,
        "relativistic-average": RelativisticAverage,
        "non-saturating": NonSaturating,
        "minimax": Minimax,
        "least-squares": LeastSquares,
        "hinge": Hinge,
        "wasserstein": Wasserstein,
    },
    accept=_accepted,
)


def objective_of(name: str, mean: Mean = torch.mean) -> Objective:
    """The objective of a name, which takes means over a batch by `mean` where it takes any; InputError for another.

    And for one of a plug-in that does not make losses (N,) of logits.
    """
    kind = OBJECTIVES.named(name)
    if name in OBJECTIVES.origins:
        _try(name, kind)
    return _made(kind, mean)


def _made(kind: type[Objective], mean: Mean) -> Objective:
    return kind(mean) if "mean" in signature(kind).parameters else kind()  # type: ignore[call-arg]  # those that do


def _try(name: str, kind: type[Objective]) -> None:
    for side in SIDES:
        real, fake = torch.zeros(2, requires_grad=side == "discriminator"), torch.zeros(2, requires_grad=True)
        try:
            with torch.enable_grad():
                loss = getattr(_made(kind, torch.mean), side)(real, fake)
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            raise InputError(f"objective '{name}': its {side} fails ({type(error).__name__}: {reason})") from error
        found = tuple(loss.shape) if isinstance(loss, torch.Tensor) else type(loss).__name__
        if found != (2,):
            raise InputError(f"objective '{name}': its {side} makes {found} of two logits, it has to make losses (2,)")
        if not loss.requires_grad:
            raise InputError(f"objective '{name}': the loss of its {side} has no gradient: do not detach the logits")


class Targeted(Objective, Protocol):
    """An objective whose discriminator asks a target of real images, certainty where nothing else is said."""

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor, target: float = 1.0) -> torch.Tensor:
        """The discriminator's loss (N,)."""
        ...


def is_targeted(objective: type[Objective]) -> bool:
    """Whether its discriminator asks a target, which label smoothing moves."""
    return "target" in signature(objective.discriminator).parameters


class Smoothed:
    """An objective whose discriminator is asked for 1 - `amount` on real images, not for 1 (Salimans et al. 2016).

    One-sided: the target of generated images and the generator's side stay as they are. InputError where the
    objective has no target (hinge, Wasserstein), or `amount` is not in [0, 0.5).
    """

    def __init__(self, objective: Objective, amount: float) -> None:
        if not is_targeted(type(objective)):
            smoothable = ", ".join(name for name, known in OBJECTIVES.items() if is_targeted(known))
            name = next((name for name, known in OBJECTIVES.items() if known is type(objective)), "this one")
            raise InputError(
                f"label smoothing: the objective '{name}' has no target to smooth: leave smoothing at 0, "
                f"or choose from: {smoothable}"
            )
        if not 0 <= amount < 0.5:
            raise InputError(f"label smoothing is {amount}: it takes from 0 up to, not including, 0.5; usual is 0.1")
        self.objective = cast(Targeted, objective)
        self.target = 1 - amount
        self.border: float | None = getattr(objective, "border", None)

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The objective's, toward the smoothed target."""
        return self.objective.discriminator(real, fake, self.target)

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """The objective's."""
        return self.objective.generator(real, fake)
