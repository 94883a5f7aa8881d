"""The five systems of the articles: what each is trained as, on what, for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from elmyr.images import Shaping

Effort = Literal["quick", "full"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
Side = Literal["gray", "color"]  # the two image sets
SIZES: Mapping[Side, tuple[int, int, Literal[1, 3]]] = {"gray": (28, 28, 1), "color": (64, 64, 3)}
COLOR_FORM = Shaping(size=SIZES["color"][:2], channels=SIZES["color"][2])


@dataclass(frozen=True)
class Budget:
    """How long a training is: images seen, or epochs, which are passes over the training part."""

    images: int = 0
    epochs: int = 0

    def seen(self, epoch: int) -> int:
        """In images seen, for a training part of so many."""
        return self.images or self.epochs * epoch


@dataclass(frozen=True)
class Budgets:
    """Those of one effort.

    written: also of the rescue and the article's own remedies. cured: also of the steps from written to cured. text: of
    the text's variant, whose networks may cost more; as written where None.
    """

    written: Budget
    cured: Budget
    text: Budget | None = None


@dataclass(frozen=True)
class System:
    """One article's system.

    preset: its networks and its game. cured: the same networks with the game of today. text: the preset of its text,
    where that describes other networks than its code. put_right: what is wrong in the article. `troubles`: the problems
    that it names.
    """

    number: int
    title: str
    preset: str
    cured: str
    side: Side
    budgets: Mapping[Effort, Budgets]
    put_right: tuple[str, ...]
    troubles: tuple[str, ...]
    text: str | None = None


# The budgets of "full" are those that the articles name or imply; 10,000 "epochs" of two of them are steps.
SYSTEMS: tuple[System, ...] = (
    System(
        0,
        "GAN for handwritten digit recognition",
        preset="mlp",
        cured="mlp-cured",
        side="gray",
        budgets={
            "quick": Budgets(Budget(100_000), Budget(200_000), text=Budget(30_000)),
            "full": Budgets(Budget(10_000 * 128), Budget(500_000)),
        },
        put_right=("pixels from -1 to 1, where a sigmoid gave 0 to 1",),
        troubles=("local optima", "stability", "explainability"),
        text="cnn",
    ),
    System(
        1,
        "GANs for image classification on MNIST",
        preset="dcgan",
        cured="dcgan-cured",
        side="gray",
        budgets={
            "quick": Budgets(Budget(40_000), Budget(40_000)),
            "full": Budgets(Budget(epochs=50), Budget(100_000)),
        },
        put_right=("a tanh at the end of the generator, which had none",),
        troubles=(
            "slow training",
            "mode collapse",
            "instability",
            "weak generalization",
            "choice of loss and optimizer",
        ),
    ),
    System(
        2,
        "GANs joined with image recognition",
        preset="mlp-cnn",
        cured="mlp-cnn-cured",
        side="gray",
        budgets={
            "quick": Budgets(Budget(60_000), Budget(80_000), text=Budget(30_000)),
            "full": Budgets(Budget(10_000 * 128), Budget(300_000)),
        },
        put_right=("the dense generator of the code; the text speaks of convolutions",),
        troubles=("cost of the model", "class imbalance", "adversarial attacks", "explainability", "mode collapse"),
        text="joined",
    ),
    System(
        3,
        "image generation with GANs",
        preset="dcgan64",
        cured="dcgan64-cured",
        side="color",
        budgets={
            "quick": Budgets(Budget(16_000), Budget(25_000)),
            "full": Budgets(Budget(10_000 * 128), Budget(120_000)),
        },
        put_right=(
            "color at 64x64, where 28x28 pixels were reshaped to it",
            "minimax as in the text, where the code has least squares",
        ),
        troubles=("local optima", "computing cost", "mode collapse"),
    ),
    System(
        4,
        "GANs in pattern recognition",
        preset="classic",
        cured="classic-cured",
        side="gray",
        budgets={
            "quick": Budgets(Budget(60_000), Budget(150_000)),
            "full": Budgets(Budget(epochs=100), Budget(300_000)),
        },
        put_right=("a dense generator and a convolutional discriminator of usual sizes: it gives no layers",),
        troubles=("mode collapse", "instability", "hard to judge"),
    ),
)
