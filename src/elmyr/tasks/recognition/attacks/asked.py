"""What is asked of an attack: which, how far, on how many images, for how long; checked before any work starts."""

from __future__ import annotations

from dataclasses import dataclass

from elmyr.core.errors import InputError, suggestion
from elmyr.tasks.recognition.attacks.balls import BALLS, Norm
from elmyr.tasks.recognition.attacks.table import ATTACKS, AUTO, AUTO_ATTACK, AttackSpec

COUNT = 1000
LEVELS_OF_A_PIXEL = 255
# What the field asks where it asks once, by the norm: of gray images (MNIST) and of color images (CIFAR-10).
USUAL: dict[Norm, tuple[float, float]] = {"Linf": (0.3, 8 / 255), "L2": (2.0, 0.5)}


@dataclass(frozen=True, kw_only=True)
class AttackAsk:
    """What is asked of an attack; InputError for what there is not.

    attack: "auto", or names of attacks with commas between, each run on the images that those before have left.
    epsilons: the largest changes, in units of the range of a pixel; the field's usual one where there are none. count:
    of images. minutes: after which no more images are begun. steps: of each attack, its own number where None.
    restarts: of those that draw. average: of views, as in `Recognizer.predict_proba`.
    """

    attack: str = AUTO
    norm: Norm = "Linf"
    epsilons: tuple[float, ...] = ()
    count: int = COUNT
    minutes: float | None = None
    steps: int | None = None
    restarts: int = 1
    average: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        BALLS.require(self.norm)
        for name in self.order:
            if name not in ATTACKS:
                raise InputError(f"no attack '{name}': {suggestion(name, [*ATTACKS, AUTO])}")
        for epsilon in self.epsilons:
            self._check(epsilon)
        if self.minutes is not None and not 0 < self.minutes < float("inf"):
            raise InputError(f"the time limit is {self.minutes} minutes: give more than 0")
        for value, what in ((self.count, "images"), (self.restarts, "restarts"), (self.average, "views")):
            if value < 1:
                raise InputError(f"{value} {what} are asked for: give 1 or more")
        if self.steps is not None and self.steps < 1:
            raise InputError(f"{self.steps} steps are asked for: give 1 or more, or leave them out")
        if self.restarts > 1 and not any(ATTACKS[name].draws for name in self.order):
            raise InputError(f"{self.attack} draws nothing at random, a restart is the same again: leave out restarts")

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the attacks, in the order in which they are run."""
        return AUTO_ATTACK if self.attack == AUTO else tuple(name.strip() for name in self.attack.split(","))

    def steps_of(self, name: str) -> int:
        """How many steps an attack takes."""
        spec = ATTACKS[name]
        return spec.steps if self.steps is None or spec.steps == 1 else self.steps

    def restarts_of(self, spec: AttackSpec) -> int:
        """How often an attack is run, on the images that are left."""
        return self.restarts if spec.draws else 1

    def levels(self, shape: tuple[int, int, int]) -> tuple[float, ...]:
        """The largest changes for images (H, W, C), the smallest first, each once; InputError for one beyond all."""
        height, width, channels = shape
        asked = self.epsilons or (USUAL[self.norm][channels > 1],)
        most = farthest(self.norm, shape)
        if max(asked) > most:
            raise InputError(
                f"an epsilon is {max(asked):g}, and no two images of {height}x{width} are farther apart than {most:g}: "
                "give less"
            )
        return tuple(sorted(set(asked)))

    def _check(self, epsilon: float) -> None:
        if self.norm == "Linf" and not 0 <= epsilon <= 1:
            meant = f", such as {epsilon:g}/255" if 1 < epsilon <= LEVELS_OF_A_PIXEL else ", such as 0.3 or 8/255"
            raise InputError(f"an epsilon is {epsilon:g}: it is a share of the range of a pixel, from 0 to 1{meant}")
        if not 0 <= epsilon < float("inf"):
            raise InputError(f"an epsilon is {epsilon:g}: give 0 or more, such as 2")


def farthest(norm: Norm, shape: tuple[int, int, int]) -> float:
    """How far two images (H, W, C) with values in [0, 1] can be from each other."""
    height, width, channels = shape
    return 1.0 if norm == "Linf" else float((height * width * channels) ** 0.5)


def parse_epsilons(text: str) -> tuple[float, ...]:
    """`0.1,0.3` or `8/255` as numbers; InputError for anything else."""
    return tuple(map(_number, text.split(",")))


def _number(word: str) -> float:
    above, slash, below = word.strip().partition("/")
    try:
        return float(above) / (float(below) if slash else 1)
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f"an epsilon is '{word.strip()}': give numbers with commas between, such as 0.1,0.3 or 8/255"
        ) from None
