"""What is asked of an attack: which, how far, on how many images, for how long; checked before any work starts."""

from __future__ import annotations

from dataclasses import dataclass

from elmyr.core.errors import InputError, suggestion
from elmyr.tasks.recognition.attacks.balls import BALLS, Norm
from elmyr.tasks.recognition.attacks.epsilons import LEVELS, number_of, told_of, usual
from elmyr.tasks.recognition.attacks.table import ATTACKS, AUTO, AUTO_ATTACK, AttackSpec

COUNT = 1000


@dataclass(frozen=True, kw_only=True)
class AttackAsk:
    """What is asked of an attack; InputError for what there is not.

    attack: "auto", names of attacks, or both, with commas between, each run on the images that those before have left.
    epsilons: the largest changes, in units of the range of a pixel; where there are none that which a recognizer was
    trained to withstand (by Linf), else the field's usual one. count: of images. minutes: after which none is begun.
    steps: of each attack, its own number where None. restarts: of those that draw. average: of views, as in
    `Recognizer.predict_proba`.
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
        self._check_names()
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
        return tuple(one for name in self.named for one in (AUTO_ATTACK if name == AUTO else (name,)))

    @property
    def named(self) -> tuple[str, ...]:
        """The names as they are asked for, "auto" among them."""
        return tuple(name.strip() for name in self.attack.split(","))

    def steps_of(self, name: str) -> int:
        """How many steps an attack takes."""
        spec = ATTACKS[name]
        return spec.steps if self.steps is None or spec.steps == 1 else self.steps

    def restarts_of(self, spec: AttackSpec) -> int:
        """How often an attack is run, on the images that are left."""
        return self.restarts if spec.draws else 1

    def levels(self, shape: tuple[int, int, int], trained: float | None = None) -> tuple[float, ...]:
        """The largest changes for images (H, W, C), the smallest first, each once; InputError for one beyond all.

        trained: how much the recognizer was trained to withstand, by Linf.
        """
        height, width, _ = shape
        known = trained if self.norm == "Linf" and trained is not None else usual(self.norm, shape)
        asked = self.epsilons or (known,)
        most = farthest(self.norm, shape)
        if max(asked) > most:
            raise InputError(
                f"an epsilon is {told_of(max(asked))}, and no two images of {height}x{width} are farther apart than "
                f"{most:g}: give less"
            )
        return tuple(sorted(set(asked)))

    def _check_names(self) -> None:
        for name in self.order:
            if name not in ATTACKS:
                raise InputError(f"no attack '{name}': {suggestion(name, [*ATTACKS, AUTO])}")
            if self.order.count(name) > 1:
                among = f" ({AUTO} has it too)" if AUTO in self.named and name in AUTO_ATTACK else ""
                raise InputError(f"{name} is named twice{among}: name it once; restarts run it again, with other draws")
        if self.steps is not None and all(ATTACKS[name].steps == 1 for name in self.order):
            raise InputError(f"{self.attack} takes one step, whatever is asked: leave out steps")

    def _check(self, epsilon: float) -> None:
        if self.norm == "Linf" and not 0 <= epsilon <= 1:
            meant = f", such as {epsilon:g}/255" if 1 < epsilon <= LEVELS else ", such as 0.3 or 8/255"
            raise InputError(f"an epsilon is {epsilon:g}: it is a share of the range of a pixel, from 0 to 1{meant}")
        if not 0 <= epsilon < float("inf"):
            raise InputError(f"an epsilon is {epsilon:g}: give 0 or more, such as 2")


def farthest(norm: Norm, shape: tuple[int, int, int]) -> float:
    """How far two images (H, W, C) with values in [0, 1] can be from each other."""
    height, width, channels = shape
    return 1.0 if norm == "Linf" else float((height * width * channels) ** 0.5)


def parse_epsilons(text: str) -> tuple[float, ...]:
    """`0.1,0.3` or `8/255` as numbers; InputError for anything else."""
    give = "numbers with commas between, such as 0.1,0.3 or 8/255"
    return tuple(number_of(word, "an epsilon", give) for word in text.split(","))
